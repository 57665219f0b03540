# The initial temperature is kept.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=dict(learn_temperature=False))
