# TFAN (Dong et al., 2019) around mmdet's Cascade Mask R-CNN.
_base_ = ['mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py']

num_classes = 40
detector = _base_.model
detector.pop('_scope_', None)
data_preprocessor = detector.pop('data_preprocessor')
data_preprocessor.update(type='TrackDataPreprocessor')
detector.backbone.init_cfg = None
detector.init_cfg = dict(
    type='Pretrained',
    checkpoint='https://download.openmmlab.com/mmdetection/v2.0/cascade_rcnn/'
    'cascade_mask_rcnn_r50_fpn_20e_coco/cascade_mask_rcnn_r50_fpn_20e_coco_'
    'bbox_mAP-0.419__segm_mAP-0.365_20200504_174711-4af8e66e.pth',
)
roi_head = detector.roi_head
roi_head.type = 'CascadeMaskRoIHead'
# The RoI features of all branches and stages are augmented.
roi_head.bbox_roi_extractor.type = 'AugmentedRoIExtractor'
roi_head.mask_roi_extractor.type = 'AugmentedRoIExtractor'
roi_head.mask_head.num_classes = num_classes
for head in roi_head.bbox_head:
    head.num_classes = num_classes
detector.train_cfg.rpn.sampler.num = 64
detector.train_cfg.rpn_proposal.update(nms_pre=200, max_per_img=200)
for stage in detector.train_cfg.rcnn:
    stage.sampler.num = 128
detector.test_cfg.rpn.update(nms_pre=200, max_per_img=200)
detector.test_cfg.rcnn.score_thr = 0.01

model = dict(
    _delete_=True,
    type='TFAN',
    data_preprocessor=data_preprocessor,
    detector=detector,
    augmentation=dict(
        type='TemporalFeatureAugmentation',
        in_channels=256,
        roi_feat_size=7,
        embed_channels=256,
        temperature=0.05,
        learn_temperature=True,
        centred=False,
        residual=False,
    ),
    # t of the paper, for which it gives no number; of N = 3 frames with 200 proposals.
    num_references=200,
    test_cfg=dict(num_frames=4, frame_proposals=100),
    track_head=dict(
        type='RoITrackHead',
        roi_extractor=dict(
            type='AugmentedRoIExtractor',
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
    # MaskTrack R-CNN's score of a match (eq. 3 there), and the IoU of masks.
    tracker=dict(
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(
            embedding=1.0, score=1.0, bbox_iou=2.0, label=10.0, mask_iou=2.0
        ),
        similarity='softmax',
        epsilon=10.0,
        # Not said in the paper; to drop all rivals but one costs 0.041 AP on bench.
        conflict='drop_duplicates',
        num_frames_retain=20,
    ),
)
del detector, data_preprocessor, roi_head, head, stage
