# An SG-Net small enough to train from scratch on a CPU in minutes: ResNet-18 with a
# quarter of the channels, P3 to P6. Objects are 20 to 100 px of the input, so that
# sub-regions are of 16 px, and FCOS's ranges begin at 24 px.
_base_ = ['./sg_net_r50_fpn.py']

base_channels = 16
channels = 64
num_classes = 8
norm_cfg = dict(type='BN', requires_grad=True)
head_norm_cfg = dict(type='GN', num_groups=8, requires_grad=True)

model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(
        depth=18,
        base_channels=base_channels,
        norm_cfg=norm_cfg,
        norm_eval=False,
        frozen_stages=-1,
        style='pytorch',
        init_cfg=None,
    ),
    neck=dict(
        in_channels=[base_channels * 2**i for i in range(4)],
        out_channels=channels,
        num_outs=4,
        norm_cfg=norm_cfg,
    ),
    base_mask_module=dict(
        in_channels=channels,
        feat_channels=channels,
        norm_cfg=head_norm_cfg,
    ),
    blender=dict(region_size=16.0),
    bbox_head=dict(
        num_classes=num_classes,
        in_channels=channels,
        feat_channels=channels,
        stacked_convs=2,
        strides=[8, 16, 32, 64],
        regress_ranges=((-1, 24), (24, 48), (48, 96), (96, 1e8)),
        norm_cfg=head_norm_cfg,
        # Of two boxes of one object the next frame's detection takes the closer one,
        # which breaks tracks: fewer of them.
        test_cfg=dict(score_thr=0.1, nms=dict(iou_threshold=0.3)),
    ),
    loss_mask=dict(max_samples=24),
)
