# Cosines as printed, by a learned temperature.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=dict(centred=False))
