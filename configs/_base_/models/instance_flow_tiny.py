# An InstanceFlow small enough to train from scratch on a CPU: ResNet-18 with a quarter
# of the channels. In a hundredth of the paper's iterations offsets need ten times its
# weight. The input is 320 px wide, a quarter of the usual; settings in pixels are not:
# what is learned in minutes is vague, so that centres are looked for in 21 px (11 would
# be in proportion) and an instance may be found 128 px from where it was sent.
_base_ = ['./instance_flow_r50_os16.py']

base_channels = 16
num_classes = 8
in_channels = (base_channels, base_channels * 2, base_channels * 8)
decoder = dict(
    in_channels=in_channels,
    aspp_channels=64,
    feat_channels=64,
    dilations=(3, 6, 9),
)

model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(
        depth=18, base_channels=base_channels, style='pytorch', init_cfg=None
    ),
    semantic_head=dict(
        **decoder, num_classes=num_classes, project_channels=(32, 16), head_channels=64
    ),
    intra_frame_head=dict(**decoder, project_channels=(32, 16)),
    inter_frame_head=dict(
        **decoder, project_channels=(32, 16), embed_channels=(64, 32)
    ),
    criterion=dict(
        loss_intra=dict(loss_weight=0.1),
        loss_inter=dict(loss_weight=0.1),
        loss_shape=dict(loss_weight=0.1),
        shape_unit=8.0,
        sigma=4.0,
        small_area=16**2,
    ),
    tracker=dict(epsilon=128.0),
    # In proportion to 41 of 1280 px it is 11: no better on bench.
    assembly=dict(kernel=21),
)
del decoder
