# TFAN on a few real videos, from scratch, until it fits them.
_base_ = [
    '../_base_/models/tfan_tiny.py',
    '../_base_/datasets/tiny_videos.py',
    '../_base_/tiny_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=None)
train_dataloader = dict(batch_size=3, dataset=dict(pipeline=train_pipeline))

num_classes = 9
bbox_head = _base_.model.detector.roi_head.bbox_head
for head in bbox_head:
    head.num_classes = num_classes
model = dict(
    detector=dict(
        roi_head=dict(bbox_head=bbox_head, mask_head=dict(num_classes=num_classes))
    )
)
del bbox_head, head

max_iters = 2200
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
default_hooks = dict(checkpoint=dict(interval=max_iters))
