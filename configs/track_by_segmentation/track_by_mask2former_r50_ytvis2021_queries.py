# The video Mask2Former R50 that mmdet trained on YouTube-VIS 2021, frame by frame: its
# queries were trained to find one object in several frames.
_base_ = [
    '../_base_/models/track_by_segmentation.py',
    '../_base_/datasets/youtube_vis_2021.py',
    '../_base_/schedules/schedule_12e.py',
    '../_base_/default_runtime.py',
]

num_classes = 40
model = dict(
    appearance='query',
    detector=dict(
        config='mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py',
        backbone=dict(init_cfg=None),
        panoptic_head=dict(
            num_things_classes=num_classes,
            loss_cls=dict(class_weight=[1.0] * num_classes + [0.1]),
        ),
        panoptic_fusion_head=dict(num_things_classes=num_classes),
    ),
    # All that the detector gives, for an AP of ranked tracks.
    score_thr=0.01,
    max_per_img=100,
    mask_nms_thr=None,
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v3.0/mask2former_vis/'
    'mask2former_r50_8xb2-8e_youtubevis2021/'
    'mask2former_r50_8xb2-8e_youtubevis2021_20230426_131833-5d215283.pth'
)

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.00001, weight_decay=0.05)
)
