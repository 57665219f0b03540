# STMask-R50 of Table 6: nine anchors, of three kernels in three scales.
_base_ = ['./stmask_r101_fpn.py']

model = dict(
    backbone=dict(
        depth=50,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmdetection/v2.0/yolact/'
            'yolact_r50_8x8_coco/yolact_r50_8x8_coco_20200908-ca34f5db.pth'
        ),
    ),
    bbox_head=dict(
        anchor_generator=dict(scales=[2**0, 2 ** (1 / 3), 2 ** (2 / 3)]),
    ),
)
