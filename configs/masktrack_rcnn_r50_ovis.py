_base_ = [
    './_base_/models/masktrack_rcnn_r50_fpn.py',
    './_base_/datasets/ovis.py',
    './_base_/schedules/schedule_12e.py',
    './_base_/default_runtime.py',
]

num_classes = 25
model = dict(
    detector=dict(
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes),
            mask_head=dict(num_classes=num_classes),
        )
    )
)
