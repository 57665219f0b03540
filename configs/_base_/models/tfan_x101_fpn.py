# The paper's backbone, ResNeXt-101; 64x4d, of which it does not say so.
_base_ = ['./tfan_r50_fpn.py']

model = dict(
    detector=dict(
        backbone=dict(type='ResNeXt', depth=101, groups=64, base_width=4),
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmdetection/v2.0/cascade_rcnn/'
            'cascade_mask_rcnn_x101_64x4d_fpn_20e_coco/cascade_mask_rcnn_x101_64x4d_'
            'fpn_20e_coco_20200512_161033-bdb5126a.pth'
        ),
    )
)
