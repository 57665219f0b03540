# A MaskTrack R-CNN small enough to train from scratch on a CPU in minutes: ResNet-18
# with a quarter of the channels, live batch norm, short heads, few proposals.
_base_ = ['./masktrack_rcnn_r50_fpn.py']

channels = 64
model = dict(
    detector=dict(
        init_cfg=None,
        backbone=dict(
            depth=18,
            base_channels=32,
            frozen_stages=-1,
            norm_eval=False,
            init_cfg=None,
        ),
        neck=dict(in_channels=[32, 64, 128, 256], out_channels=channels, num_outs=4),
        rpn_head=dict(
            in_channels=channels,
            feat_channels=channels,
            anchor_generator=dict(scales=[4], strides=[4, 8, 16, 32]),
        ),
        roi_head=dict(
            bbox_roi_extractor=dict(
                out_channels=channels, roi_layer=dict(sampling_ratio=2)
            ),
            bbox_head=dict(in_channels=channels, fc_out_channels=256, num_classes=8),
            mask_roi_extractor=dict(
                out_channels=channels, roi_layer=dict(sampling_ratio=2)
            ),
            mask_head=dict(
                num_convs=2,
                in_channels=channels,
                conv_out_channels=channels,
                num_classes=8,
            ),
        ),
        train_cfg=dict(
            rpn=dict(allowed_border=0),
            rpn_proposal=dict(nms_pre=200, max_per_img=64),
            rcnn=dict(sampler=dict(num=64)),
        ),
        test_cfg=dict(
            rpn=dict(nms_pre=200, max_per_img=64),
            rcnn=dict(score_thr=0.05, max_per_img=20),
        ),
    ),
    track_head=dict(
        roi_extractor=dict(out_channels=channels, roi_layer=dict(sampling_ratio=2)),
        embed_head=dict(in_channels=channels, fc_out_channels=128),
        train_cfg=dict(sampler=dict(num=32, pos_fraction=0.5)),
    ),
)
