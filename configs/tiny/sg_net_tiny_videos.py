# SG-Net on a few real videos, from scratch, until it fits them.
_base_ = [
    '../_base_/models/sg_net_tiny.py',
    '../_base_/datasets/tiny_videos.py',
    '../_base_/tiny_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 1
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# A network that has seen these very videos is sure of what it finds; less sure boxes
# are duplicates, which break tracks.
model = dict(bbox_head=dict(test_cfg=dict(score_thr=0.4)))

max_iters = 2200
optim_wrapper = dict(optimizer=dict(lr=0.002))
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
default_hooks = dict(checkpoint=dict(interval=100))
