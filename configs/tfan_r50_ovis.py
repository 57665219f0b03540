# TFAN R50-FPN on OVIS.
_base_ = [
    './_base_/models/tfan_r50_fpn.py',
    './_base_/datasets/ovis.py',
    './_base_/schedules/schedule_tfan_12e.py',
    './_base_/default_runtime.py',
]

# Videos are long: not further away than in the others.
train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=36)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

num_classes = 25
bbox_head = _base_.model.detector.roi_head.bbox_head
for head in bbox_head:
    head.num_classes = num_classes
model = dict(
    detector=dict(
        roi_head=dict(bbox_head=bbox_head, mask_head=dict(num_classes=num_classes))
    )
)
del bbox_head, head
