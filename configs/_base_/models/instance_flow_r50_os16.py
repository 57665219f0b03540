# InstanceFlow (Li et al., 2021): a ResNet-50 of output stride 16, and three branches
# with an ASPP and a decoder each. Training crops 640 px of frames up to 1280 px wide,
# and tests see frames 1280 px wide: settings in pixels are for these.
num_classes = 40
norm_cfg = dict(type='BN', requires_grad=True)
in_channels = (256, 512, 2048)

model = dict(
    type='InstanceFlow',
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
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        out_indices=(0, 1, 3),
        frozen_stages=-1,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='caffe',
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://detectron2/resnet50_caffe'
        ),
    ),
    semantic_head=dict(
        type='SemanticHead',
        num_classes=num_classes,
        in_channels=in_channels,
        norm_cfg=norm_cfg,
    ),
    intra_frame_head=dict(
        type='IntraFrameHead', in_channels=in_channels, norm_cfg=norm_cfg
    ),
    inter_frame_head=dict(
        type='InterFrameHead',
        in_channels=in_channels,
        fusion=dict(type='TemporalContextFusion'),
        norm_cfg=norm_cfg,
    ),
    criterion=dict(
        type='InstanceFlowCriterion',
        loss_semantic=dict(type='mmdet.CrossEntropyLoss', loss_weight=1.0),
        loss_center=dict(type='mmdet.MSELoss', loss_weight=100.0),
        loss_intra=dict(type='mmdet.L1Loss', loss_weight=0.01),
        loss_inter=dict(type='mmdet.L1Loss', loss_weight=0.01),
        loss_shape=dict(type='mmdet.MSELoss', loss_weight=0.01),
        shape_unit=16.0,
        sigma=8.0,
        small_area=32**2,
        small_weight=3.0,
        background=(),
    ),
    tracker=dict(
        type='InstanceFlowTracker',
        num_references=4,
        epsilon=64.0,
        flow=dict(type='OffsetResidual'),
        score='instance',
    ),
    assembly=dict(
        type='InstanceAssembly', kernel=41, threshold=0.15, top_k=100, min_area=16
    ),
    test_cfg=dict(scales=(1.0,)),
)
