# SG-Net (Liu et al., CVPR 2021) on FCOS: P3 to P7, group norm in the towers, centre
# sampling. Pixels are those of a 640x360 input.
channels = 256
num_classes = 40
norm_cfg = dict(type='GN', num_groups=32, requires_grad=True)

model = dict(
    type='SGNet',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[103.530, 116.280, 123.675],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_mask=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='mmdet.ResNet',
        depth=50,
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='caffe',
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://detectron2/resnet50_caffe'
        ),
    ),
    neck=dict(
        type='mmdet.FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=channels,
        start_level=1,
        add_extra_convs='on_output',
        num_outs=5,
        relu_before_extra_convs=True,
    ),
    base_mask_module=dict(
        type='BaseMaskModule',
        in_channels=channels,
        num_levels=3,
        feat_channels=128,
        num_convs=2,
        base_channels=36,
        upsample=4,
        norm_cfg=norm_cfg,
    ),
    blender=dict(type='VectorBlender', max_division=6, region_size=50.0),
    bbox_head=dict(
        type='SGNetHead',
        num_classes=num_classes,
        in_channels=channels,
        feat_channels=channels,
        stacked_convs=4,
        strides=[8, 16, 32, 64, 128],
        norm_cfg=norm_cfg,
        center_sampling=True,
        loss_cls=dict(
            type='mmdet.FocalLoss',
            use_sigmoid=True,
            gamma=2.0,
            alpha=0.25,
            loss_weight=1.0,
        ),
        loss_bbox=dict(type='LogGIoULoss', loss_weight=1.0),
        loss_centerness=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0
        ),
        loss_movement=dict(type='mmdet.L1Loss', loss_weight=1.0),
        test_cfg=dict(
            nms_pre=200,
            score_thr=0.03,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=10,
            center='box',
        ),
    ),
    loss_mask=dict(
        type='GranularityMaskLoss',
        division='predicted',
        max_samples=64,
        loss_weight=1.0,
    ),
    tracker=dict(
        type='CenternessTracker', radius=1.0, match_label=True, num_frames_retain=20
    ),
)
