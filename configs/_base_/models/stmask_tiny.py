# An STMask small enough to train from scratch on a CPU in minutes: ResNet-18 with a
# quarter of the channels, batch norm (live, in all parts), four levels. Objects are 20
# to 100 px of the input, which anchors of 24, 48 and 96 px suit. FCA and temporal
# fusion as in the paper; no FCB, which costs a third of the time of a CPU and gains
# nothing at this size (docs/en/reproduction.md).
_base_ = ['./stmask_r101_fpn.py']

base_channels = 16
channels = 64
num_classes = 8
norm_cfg = dict(type='BN')

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdet.ResNet',
        depth=18,
        base_channels=base_channels,
        norm_cfg=norm_cfg,
        norm_eval=False,
        frozen_stages=-1,
    ),
    neck=dict(
        in_channels=[base_channels * 2**i for i in range(4)],
        out_channels=channels,
        num_outs=4,
        norm_cfg=norm_cfg,
    ),
    prototype_net=dict(
        in_channels=channels,
        feat_channels=channels,
        num_prototypes=16,
        num_convs=2,
        norm_cfg=norm_cfg,
    ),
    bbox_head=dict(
        num_classes=num_classes,
        in_channels=channels,
        feat_channels=channels,
        num_tower_convs=1,
        num_coefficients=16,
        embed_channels=32,
        calibration=None,
        norm_cfg=norm_cfg,
    ),
    temporal_net=dict(
        feat_channels=channels, channels=(64, 64, 64), num_coefficients=16
    ),
    # A network that starts from nothing has to find objects and tell them apart before
    # it can follow them.
    criterion=dict(
        loss_cls=dict(negative_balance=1.0, loss_weight=8.0),
        loss_embed=dict(balanced=True, loss_weight=2.0),
        loss_shift_bbox=dict(loss_weight=0.5),
        loss_shift_mask=dict(loss_weight=2.0),
        max_rois=24,
    ),
)
