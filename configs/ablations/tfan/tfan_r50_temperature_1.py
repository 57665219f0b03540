# Eqs. 1-2 as printed: a softmax over cosines.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=dict(temperature=1.0, learn_temperature=False))
