# TFAN on a few real videos, from scratch, until it fits them.
_base_ = [
    '../_base_/models/tfan_tiny.py',
    '../_base_/datasets/tiny_videos.py',
    '../_base_/tiny_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=None)
train_dataloader = dict(batch_size=3, dataset=dict(pipeline=train_pipeline))

max_iters = 2200
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
default_hooks = dict(checkpoint=dict(interval=100))
