# SG-Net R50 on OVIS.
_base_ = [
    './_base_/models/sg_net_r50_fpn.py',
    './_base_/datasets/ovis.py',
    './_base_/schedules/schedule_sg_net_12e.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 1
train_dataloader = dict(
    batch_size=8, num_workers=4, dataset=dict(pipeline=train_pipeline)
)

# Up to 43 objects in a video.
model = dict(
    bbox_head=dict(num_classes=25, test_cfg=dict(nms_pre=1000, max_per_img=50))
)
