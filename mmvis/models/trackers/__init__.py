"""Trackers: configuration outside, the tracks of a video in a memory of its own."""

from .centerness_tracker import CenternessTracker
from .embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from .instance_flow_tracker import InstanceFlowTracker
from .masktrack_rcnn_tracker import MaskTrackRCNNTracker
from .reference_frames import InstanceFlowMemory, ReferenceFrame
from .track_memory import TrackMemory

__all__ = [
    'CenternessTracker',
    'EmbeddingMaskIoUTracker',
    'InstanceFlowMemory',
    'InstanceFlowTracker',
    'MaskTrackRCNNTracker',
    'ReferenceFrame',
    'TrackMemory',
]
