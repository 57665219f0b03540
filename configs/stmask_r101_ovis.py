# STMask R101 on OVIS.
_base_ = [
    './_base_/models/stmask_r101_fpn.py',
    './_base_/datasets/ovis.py',
    './_base_/schedules/schedule_stmask_160k.py',
]

train_dataloader = dict(
    batch_size=4, num_workers=4, sampler=dict(type='InfiniteKeyFrameSampler')
)

model = dict(bbox_head=dict(num_classes=25))
