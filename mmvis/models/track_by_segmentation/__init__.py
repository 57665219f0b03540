"""TODO floor plan."""

from .track_by_segmentation import TrackBySegmentation

__all__ = [
    'TrackBySegmentation',
]
