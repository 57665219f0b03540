# STMask R101 trained on YouTube-VIS 2019 and COCO together, images as moving pairs.
_base_ = [
    './_base_/models/stmask_r101_fpn.py',
    './_base_/datasets/youtube_vis_2019_coco.py',
    './_base_/schedules/schedule_stmask_160k.py',
]

train_dataloader = dict(
    batch_size=4, num_workers=4, sampler=dict(type='InfiniteKeyFrameSampler')
)
