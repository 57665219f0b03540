# Features of other frames alone, in training and testing; a RoI's own only where there
# is no other frame.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=dict(members='others'))
