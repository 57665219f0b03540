# The tiny MaskTrack R-CNN on SynthVIS bench.
_base_ = [
    '../_base_/models/masktrack_rcnn_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

heads = dict(num_classes=4)
model = dict(detector=dict(roi_head=dict(bbox_head=heads, mask_head=heads)))
del heads
