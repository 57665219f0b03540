# N = 2 frames in training; the memory at test time stays as it is.
_base_ = ['../../tfan_r50_holdout.py']

train_pipeline = _base_.train_pipeline
train_pipeline[0].num_ref_imgs = 1
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
