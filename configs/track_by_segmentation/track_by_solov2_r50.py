# SOLOv2 R50-FPN, trained on COCO for 36 epochs: 37.5 mask AP there, by mmdet.
_base_ = ['../_base_/track_by_coco.py']

model = dict(
    detector=dict(
        config='mmdet::solov2/solov2_r50_fpn_ms-3x_coco.py',
    ),
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v2.0/solov2/'
    'solov2_r50_fpn_3x_coco/'
    'solov2_r50_fpn_3x_coco_20220512_125856-fed092d4.pth'
)
