"""TODO floor plan."""

from .masktrack_rcnn import InstanceEmbedHead, MaskTrackRCNN
from .tracker import MaskTrackRCNNTracker

__all__ = [
    'InstanceEmbedHead',
    'MaskTrackRCNN',
    'MaskTrackRCNNTracker',
]
