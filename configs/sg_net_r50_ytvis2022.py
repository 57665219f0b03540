# SG-Net R50 on YouTube-VIS 2022.
_base_ = [
    './_base_/models/sg_net_r50_fpn.py',
    './_base_/datasets/youtube_vis_2022.py',
    './_base_/schedules/schedule_sg_net_12e.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 1
train_dataloader = dict(
    batch_size=8, num_workers=4, dataset=dict(pipeline=train_pipeline)
)
