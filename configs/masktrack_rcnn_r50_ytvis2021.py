_base_ = [
    './_base_/models/masktrack_rcnn_r50_fpn.py',
    './_base_/datasets/youtube_vis_2021.py',
    './_base_/schedules/schedule_12e.py',
    './_base_/default_runtime.py',
]
