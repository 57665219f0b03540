"""TODO floor plan."""

from .embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from .track_memory import TrackMemory

__all__ = [
    'EmbeddingMaskIoUTracker',
    'TrackMemory',
]
