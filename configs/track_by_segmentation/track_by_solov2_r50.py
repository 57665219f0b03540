# SOLOv2 R50-FPN, trained on COCO for 36 epochs: 37.5 mask AP there, by mmdet.
_base_ = [
    '../_base_/models/track_by_segmentation.py',
    '../_base_/datasets/coco_instances.py',
    '../_base_/schedules/schedule_12e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    detector=dict(
        config='mmdet::solov2/solov2_r50_fpn_ms-3x_coco.py',
        backbone=dict(init_cfg=None),
    ),
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v2.0/solov2/'
    'solov2_r50_fpn_3x_coco/'
    'solov2_r50_fpn_3x_coco_20220512_125856-fed092d4.pth'
)
