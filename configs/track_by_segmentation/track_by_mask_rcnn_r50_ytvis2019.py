# Mask R-CNN R50-FPN of COCO, trained on frames of YouTube-VIS 2019.
_base_ = [
    '../_base_/models/track_by_segmentation.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/schedule_12e.py',
    '../_base_/default_runtime.py',
]

num_classes = 40
model = dict(
    detector=dict(
        config='mmdet::mask_rcnn/mask-rcnn_r50_fpn_ms-poly-3x_coco.py',
        backbone=dict(init_cfg=None),
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes),
            mask_head=dict(num_classes=num_classes),
        ),
    ),
    # All that the detector gives, for an AP of ranked tracks.
    score_thr=0.01,
    max_per_img=100,
    mask_nms_thr=None,
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r50_fpn_mstrain-poly_3x_coco/'
    'mask_rcnn_r50_fpn_mstrain-poly_3x_coco_20210524_201154-21b550bb.pth'
)

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
