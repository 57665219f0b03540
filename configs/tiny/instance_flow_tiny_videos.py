# InstanceFlow on a few real videos, from scratch, until it fits them.
_base_ = [
    '../_base_/models/instance_flow_tiny.py',
    '../_base_/datasets/tiny_videos.py',
    '../_base_/tiny_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = None
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(semantic_head=dict(num_classes=9))
