# STMask R50 on YouTube-VIS 2021.
_base_ = [
    './_base_/models/stmask_r50_fpn.py',
    './_base_/datasets/youtube_vis_2021.py',
    './_base_/schedules/schedule_stmask_160k.py',
]

train_dataloader = dict(
    batch_size=4, num_workers=4, sampler=dict(type='InfiniteKeyFrameSampler')
)
