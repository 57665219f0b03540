# The tiny STMask on SynthVIS bench.
_base_ = [
    '../_base_/models/stmask_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

model = dict(bbox_head=dict(num_classes=4))
