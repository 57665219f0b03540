# The tiny SG-Net on SynthVIS bench.
_base_ = [
    '../_base_/models/sg_net_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

model = dict(bbox_head=dict(num_classes=4))

# Movements are between neighbouring frames.
train_pipeline = _base_.train_pipeline
train_pipeline[0].frame_range = 1
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
