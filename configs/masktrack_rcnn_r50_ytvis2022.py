_base_ = [
    './_base_/models/masktrack_rcnn_r50_fpn.py',
    './_base_/datasets/youtube_vis_2022.py',
    './_base_/schedules/schedule_12e.py',
    './_base_/default_runtime.py',
]

# As mmdet: a reference frame from nearly anywhere in the video.
train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 100
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
