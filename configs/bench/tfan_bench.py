# The tiny TFAN on SynthVIS bench.
_base_ = [
    '../_base_/models/tfan_tiny.py',
    '../_base_/datasets/synth_vis_bench.py',
    '../_base_/tiny_runtime.py',
]

bbox_head = _base_.model.detector.roi_head.bbox_head
for head in bbox_head:
    head.num_classes = 4
model = dict(
    detector=dict(roi_head=dict(bbox_head=bbox_head, mask_head=dict(num_classes=4))),
    # As STMask's and its release's: rows of the benchmark differ by what they name.
    tracker=dict(conflict='drop'),
)
del bbox_head, head

# N = 3 frames, the reference frames from anywhere in the video.
train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=None)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
