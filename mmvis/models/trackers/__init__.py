"""Trackers: configuration outside, the tracks of a video in a memory of its own."""

from .centerness_tracker import CenternessTracker
from .embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from .masktrack_rcnn_tracker import MaskTrackRCNNTracker
from .track_memory import TrackMemory

__all__ = [
    'CenternessTracker',
    'EmbeddingMaskIoUTracker',
    'MaskTrackRCNNTracker',
    'TrackMemory',
]
