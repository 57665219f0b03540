# STMask R50 on OVIS.
_base_ = [
    './_base_/models/stmask_r50_fpn.py',
    './_base_/datasets/ovis.py',
    './_base_/default_runtime.py',
    './_base_/schedules/schedule_stmask_160k.py',
]

model = dict(bbox_head=dict(num_classes=25))
