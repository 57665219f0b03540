# Cosines of what tells proposals apart: the references' mean is subtracted.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=dict(centred=True))
