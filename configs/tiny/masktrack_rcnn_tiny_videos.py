# MaskTrack R-CNN on a few real videos, from scratch, until it fits them.
_base_ = [
    '../_base_/models/masktrack_rcnn_tiny.py',
    '../_base_/datasets/tiny_videos.py',
    '../_base_/tiny_runtime.py',
]

num_classes = 9
model = dict(
    detector=dict(
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes),
            mask_head=dict(num_classes=num_classes),
        )
    )
)
