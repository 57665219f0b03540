# A TFAN small enough to train from scratch on a CPU in minutes: ResNet-18 with a fourth
# of the channels, batch norm (live, in FPN and mask heads too), few proposals, light
# heads. Objects are 20 to 100 px of the input.
_base_ = ['./tfan_r50_fpn.py']

base_channels = 16
channels = 64
num_classes = 8
norm_cfg = dict(type='BN')
roi_extractor = dict(
    out_channels=channels, finest_scale=28, roi_layer=dict(sampling_ratio=1)
)

bbox_head = _base_.model.detector.roi_head.bbox_head
rcnn = _base_.model.detector.train_cfg.rcnn
for head in bbox_head:
    head.update(in_channels=channels, fc_out_channels=128, num_classes=num_classes)
for stage in rcnn:
    stage.sampler.num = 32

model = dict(
    detector=dict(
        init_cfg=None,
        backbone=dict(
            depth=18,
            base_channels=base_channels,
            frozen_stages=-1,
            norm_eval=False,
            init_cfg=None,
        ),
        neck=dict(
            in_channels=[base_channels * 2**i for i in range(4)],
            out_channels=channels,
            num_outs=4,
            norm_cfg=norm_cfg,
        ),
        rpn_head=dict(
            in_channels=channels,
            feat_channels=channels,
            anchor_generator=dict(scales=[6], strides=[4, 8, 16, 32]),
        ),
        roi_head=dict(
            bbox_roi_extractor=roi_extractor,
            bbox_head=bbox_head,
            mask_roi_extractor=roi_extractor,
            mask_head=dict(
                num_convs=2,
                in_channels=channels,
                conv_out_channels=channels,
                num_classes=num_classes,
                norm_cfg=norm_cfg,
            ),
        ),
        train_cfg=dict(rpn_proposal=dict(nms_pre=200, max_per_img=64), rcnn=rcnn),
        test_cfg=dict(
            rpn=dict(nms_pre=200, max_per_img=64),
            rcnn=dict(score_thr=0.05, max_per_img=20),
        ),
    ),
    augmentation=dict(in_channels=channels, embed_channels=64),
    num_references=64,
    test_cfg=dict(frame_proposals=32),
    track_head=dict(
        roi_extractor=roi_extractor,
        embed_head=dict(
            in_channels=channels,
            fc_out_channels=128,
            # As in the tiny MaskTrack R-CNN: at weight 1 its gradients drown those of
            # a detector that starts from nothing.
            loss_match=dict(
                type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.2
            ),
        ),
        train_cfg=dict(sampler=dict(num=32, pos_fraction=0.5)),
    ),
)
del roi_extractor, bbox_head, rcnn, head, stage
