# The tiny Mask2Former on single frames of SynthVIS bench; its queries are the looks.
_base_ = [
    '../_base_/models/track_by_mask2former_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

num_classes = 4
model = dict(num_classes=num_classes)
optim_wrapper = dict(optimizer=dict(lr=0.0005))

# A transformer learns slowly at first.
max_iters = 1600
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
default_hooks = dict(checkpoint=dict(interval=max_iters))

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
# One frame a clip: twice as many clips.
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
