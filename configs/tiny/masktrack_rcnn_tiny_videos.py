# MaskTrack R-CNN on a few real videos, from scratch, until it fits them.
_base_ = [
    '../_base_/models/masktrack_rcnn_tiny.py',
    '../_base_/datasets/tiny_videos.py',
    '../_base_/tiny_runtime.py',
]

max_iters = 1500
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
default_hooks = dict(checkpoint=dict(interval=100))
