# MaskTrack R-CNN on SynthVIS tiny, from scratch, in minutes on two CPU cores.
_base_ = [
    '../_base_/models/masktrack_rcnn_tiny.py',
    '../_base_/datasets/synth_vis_tiny.py',
    '../_base_/tiny_runtime.py',
]
