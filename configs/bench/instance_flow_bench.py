# The tiny InstanceFlow on SynthVIS bench.
_base_ = [
    '../_base_/models/instance_flow_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

model = dict(semantic_head=dict(num_classes=4))
optim_wrapper = dict(optimizer=dict(lr=0.002))

# The reference frame may be any frame of the video.
train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = None
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
