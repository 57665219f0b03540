# MaskTrack R-CNN R50-FPN trained on YouTube-VIS 2019 and COCO together.
_base_ = [
    './_base_/models/masktrack_rcnn_r50_fpn.py',
    './_base_/datasets/youtube_vis_2019_coco.py',
    './_base_/schedules/schedule_12e.py',
    './_base_/default_runtime.py',
]

# As mmdet: a reference frame from nearly anywhere in the video.
train_dataloader = _base_.train_dataloader
train_dataloader.dataset.datasets[0].pipeline[0].frame_range = 100
