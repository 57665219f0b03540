# MaskTrack R-CNN (Yang et al., ICCV 2019) around mmdet's Mask R-CNN.
_base_ = ['mmdet::_base_/models/mask-rcnn_r50_fpn.py']

detector = _base_.model
detector.pop('_scope_', None)
data_preprocessor = detector.pop('data_preprocessor')
data_preprocessor.update(type='TrackDataPreprocessor')
detector.backbone.init_cfg = None
detector.init_cfg = dict(
    type='Pretrained',
    checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r50_fpn_1x_coco/mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth',
)
detector.roi_head.bbox_head.num_classes = 40
detector.roi_head.mask_head.num_classes = 40
detector.train_cfg.rpn.sampler.num = 64
detector.train_cfg.rpn_proposal.update(nms_pre=200, max_per_img=200)
detector.train_cfg.rcnn.sampler.num = 128
detector.test_cfg.rpn.update(nms_pre=200, max_per_img=200)
detector.test_cfg.rcnn.score_thr = 0.01

model = dict(
    _delete_=True,
    type='MaskTrackRCNN',
    data_preprocessor=data_preprocessor,
    detector=detector,
    track_head=dict(
        type='RoITrackHead',
        roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32],
        ),
        embed_head=dict(
            type='InstanceEmbedHead',
            num_fcs=2,
            roi_feat_size=7,
            in_channels=256,
            fc_out_channels=1024,
        ),
        train_cfg=dict(
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=0.5,
                neg_iou_thr=0.5,
                min_pos_iou=0.5,
                match_low_quality=True,
                ignore_iof_thr=-1,
            ),
            sampler=dict(
                type='RandomSampler',
                num=128,
                pos_fraction=0.25,
                neg_pos_ub=-1,
                add_gt_as_proposals=True,
            ),
            pos_weight=-1,
            debug=False,
        ),
    ),
    tracker=dict(
        type='MaskTrackRCNNTracker',
        match_weights=dict(det_score=1.0, iou=2.0, det_label=10.0),
        num_frames_retain=20,
    ),
)
del detector, data_preprocessor
