# Mask R-CNN R50-FPN, trained on COCO for 36 epochs: 37.1 mask AP there, by mmdet.
_base_ = ['../_base_/track_by_coco.py']

model = dict(
    detector=dict(
        config='mmdet::mask_rcnn/mask-rcnn_r50_fpn_ms-poly-3x_coco.py',
    ),
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r50_fpn_mstrain-poly_3x_coco/'
    'mask_rcnn_r50_fpn_mstrain-poly_3x_coco_20210524_201154-21b550bb.pth'
)
