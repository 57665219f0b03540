# TFAN X101-FPN on YouTube-VIS 2019.
_base_ = [
    './_base_/models/tfan_x101_fpn.py',
    './_base_/datasets/youtube_vis_2019.py',
    './_base_/schedules/schedule_tfan_12e.py',
    './_base_/default_runtime.py',
]

# N = 3 frames, the reference frames from anywhere in the video.
train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=None)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
