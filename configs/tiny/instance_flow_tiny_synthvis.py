# InstanceFlow on SynthVIS tiny, from scratch on two CPU cores.
_base_ = [
    '../_base_/models/instance_flow_tiny.py',
    '../_base_/datasets/synth_vis_tiny.py',
    '../_base_/tiny_runtime.py',
]

# The reference frame may be any frame of the video.
train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = None
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
