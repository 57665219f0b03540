# RTMDet-Ins-s, trained on COCO for 300 epochs: 38.7 mask AP there, by mmdet. Fast.
_base_ = ['../_base_/track_by_coco.py']

model = dict(
    detector=dict(
        config='mmdet::rtmdet/rtmdet-ins_s_8xb32-300e_coco.py',
        data_preprocessor=dict(pad_mask=True),
    ),
)
image_scale = (640, 640)
train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].scale = image_scale
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = image_scale
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
load_from = (
    'https://download.openmmlab.com/mmdetection/v3.0/rtmdet/'
    'rtmdet-ins_s_8xb32-300e_coco/'
    'rtmdet-ins_s_8xb32-300e_coco_20221121_212604-fdc5d7ec.pth'
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.00001, weight_decay=0.05)
)
