# The weighted sum is added to a RoI feature, not put in its place.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=dict(residual=True))
