# The tiny detector on single frames of SynthVIS bench; its tracks need no training.
_base_ = [
    '../_base_/models/track_by_segmentation_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

heads = dict(num_classes=4)
model = dict(detector=dict(roi_head=dict(bbox_head=heads, mask_head=heads)))
del heads

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
