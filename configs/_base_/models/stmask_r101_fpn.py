# STMask (Li et al., CVPR 2021) as the paper has it: ResNet-101 with a deformable
# convolution in every third block, three anchors with kernels of their own (FCA),
# class and mask branch calibrated by adaptive offsets (FCB), temporal fusion (TF).
channels = 256
num_classes = 40

model = dict(
    type='STMask',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_mask=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='DeformableResNet',
        depth=101,
        dcn_interval=3,
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        # COCO weights of mmdet's Yolact. A Yolact++ checkpoint gives more of the
        # network: convert it with tools/model_converters/stmask.py and set load_from.
        init_cfg=dict(
            type='Pretrained',
            prefix='backbone.',
            checkpoint='https://download.openmmlab.com/mmdetection/v2.0/yolact/'
            'yolact_r101_1x8_coco/yolact_r101_1x8_coco_20200908-4cbe9101.pth',
        ),
    ),
    neck=dict(
        type='YolactFPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=channels,
        start_level=1,
        num_outs=5,
    ),
    prototype_net=dict(type='PrototypeNetwork', in_channels=channels),
    bbox_head=dict(
        type='STMaskHead',
        num_classes=num_classes,
        in_channels=channels,
        anchor_generator=dict(
            type='KernelAnchorGenerator', kernel_sizes=[(3, 3), (3, 5), (5, 3)]
        ),
        calibration=dict(
            type='CalibratedConvolution',
            offset=dict(type='AdaptiveOffset'),
            branches=('cls', 'coeff'),
        ),
        test_cfg=dict(
            score_thr=0.05,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=100,
            min_score=0.05,
        ),
    ),
    temporal_net=dict(
        type='TemporalFusion', level=1, patch_size=11, joined_features='pyramid'
    ),
    criterion=dict(
        type='STMaskCriterion',
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.4,
            min_pos_iou=0.0,
            ignore_iof_thr=0.5,
            gt_max_assign_all=False,
        ),
        loss_cls=dict(type='HardNegativeCrossEntropyLoss', loss_weight=6.125),
        loss_bbox=dict(type='DIoULoss', loss_weight=5.0),
        loss_centerness=dict(type='CenternessLoss', loss_weight=20.0),
        loss_mask=dict(type='PrototypeMaskLoss', loss_weight=6.125),
        loss_embed=dict(type='PairwiseEmbeddingLoss', loss_weight=5.0),
        loss_shift_bbox=dict(type='SmoothL1Loss', loss_weight=5.0),
        loss_shift_mask=dict(type='PrototypeMaskLoss', loss_weight=6.125),
    ),
    tracker=dict(
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(embedding=1.0, mask_iou=1.0),
        epsilon=0.3,
        conflict='drop',
        num_frames_retain=20,
        supplement=dict(num_frames=10, score_decay=0.95, min_mask_area=2),
    ),
)
