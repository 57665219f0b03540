# COCO's images as videos of one frame, at the size at which mmdet trains and tests its
# detectors.
_base_ = ['./coco_images.py']

image_scale = (1333, 800)

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].update(scale=image_scale, keep_ratio=True)
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].update(scale=image_scale, keep_ratio=True)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
