# STMask on SynthVIS tiny, from scratch, in minutes on two CPU cores.
_base_ = [
    '../_base_/models/stmask_tiny.py',
    '../_base_/datasets/synth_vis_tiny.py',
    '../_base_/tiny_runtime.py',
]
