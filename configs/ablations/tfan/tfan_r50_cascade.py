# Without augmentation: Cascade Mask R-CNN and a track head, on the same clips.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=None)
