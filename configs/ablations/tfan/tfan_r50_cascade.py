# Without augmentation: Cascade Mask R-CNN and a track head.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(augmentation=None)
# The track head's pair is all that is used.
train_pipeline = _base_.train_pipeline
train_pipeline[0].num_ref_imgs = 1
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
