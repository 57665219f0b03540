# SG-Net on SynthVIS tiny, from scratch, in minutes on two CPU cores.
_base_ = [
    '../_base_/models/sg_net_tiny.py',
    '../_base_/datasets/synth_vis_tiny.py',
    '../_base_/tiny_runtime.py',
]

# Movements are between neighbouring frames.
train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 1
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
