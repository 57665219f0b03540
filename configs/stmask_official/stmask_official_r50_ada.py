# What MinghanLi/STMask (commit b8ca9ef) trains and tests as STMask_plus_resnet50_ada,
# where it is not what the paper says. Its checkpoints come in through
# tools/model_converters/stmask.py. docs/en/models/stmask.md lists the differences.
_base_ = ['../stmask_r101.py']

image_scale = (640, 360)
train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 2
train_pipeline[1].transforms[2].keep_ratio = False
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].keep_ratio = False
# Every annotated frame once an epoch, 8 clips an iteration on 2 GPUs.
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

model = dict(
    backbone=dict(
        depth=50,
        dcn_interval=2,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmdetection/v2.0/yolact/'
            'yolact_r50_8x8_coco/yolact_r50_8x8_coco_20200908-ca34f5db.pth'
        ),
    ),
    bbox_head=dict(
        type='ReleasedSTMaskHead',
        calibration=dict(type='CalibratedFeatureConvolution', branches=('cls',)),
        test_cfg=dict(
            nms=dict(_delete_=True, type='fast_nms', iou_threshold=0.5, top_k=200),
            max_per_img=None,
            min_score=None,
        ),
    ),
    temporal_net=dict(joined_features='shared'),
    criterion=dict(
        assigner=dict(_delete_=True, type='ClassAwareAssigner'),
        loss_cls=dict(type='ReleasedHardNegativeCrossEntropyLoss'),
        loss_centerness=dict(detach_target=False),
        loss_mask=dict(crop='predicted', enlarge=1.2, resolution='input'),
        loss_shift_mask=dict(resolution='input', least_side=0.0),
        shift_prior='ground_truth',
        bbox_unit='input',
    ),
    tracker=dict(
        match_weights=dict(embedding=1.0, mask_iou=1.0, bbox_iou=2.0),
        similarity='half_cosine',
        epsilon=1.4,
        winner='score',
        num_frames_retain=None,
        min_score=0.05,
        min_mask_area=2,
    ),
)

max_iters = 125000
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].start_factor = 1.0
param_scheduler[1].update(end=max_iters, milestones=[75000, 100000])
optim_wrapper = dict(clip_grad=None)
auto_scale_lr = dict(base_batch_size=8)
