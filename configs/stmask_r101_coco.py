# The frame network of STMask on COCO images (the paper's supplement): no track, no
# temporal fusion. Input 550x550, as Yolact's.
_base_ = [
    './_base_/models/stmask_r101_fpn.py',
    './_base_/datasets/coco_images.py',
    './_base_/schedules/schedule_stmask_160k.py',
]

train_dataloader = dict(
    batch_size=4, num_workers=4, sampler=dict(type='InfiniteKeyFrameSampler')
)

model = dict(
    bbox_head=dict(num_classes=80),
    temporal_net=None,
    criterion=dict(loss_embed=dict(loss_weight=0.0)),
    tracker=dict(supplement=None),
)
