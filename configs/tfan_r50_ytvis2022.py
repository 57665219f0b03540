# TFAN R50-FPN on YouTube-VIS 2022.
_base_ = [
    './_base_/models/tfan_r50_fpn.py',
    './_base_/datasets/youtube_vis_2022.py',
    './_base_/schedules/schedule_tfan_12e.py',
    './_base_/default_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=None)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
