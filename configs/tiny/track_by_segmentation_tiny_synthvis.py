# The tiny detector on single frames of SynthVIS; its tracks need no training.
_base_ = [
    '../_base_/models/track_by_segmentation_tiny.py',
    '../_base_/datasets/synth_vis_tiny.py',
    '../_base_/tiny_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
