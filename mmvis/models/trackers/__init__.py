"""Association that several models use: it knows ``InstanceData``, not models.

The floor plan, in the order in which detections go through it; equations are STMask's
(Li et al., CVPR 2021). What only one model has is in that model's folder.

    match_score.py                 scores between detections and tracks (eq. 15)
    shapes.py                      boxes and masks compared, numbers to the host
    chunk_shapes.py                masks of several frames compared beforehand
    state_shapes.py                masks of all that tracks may be in each frame
    match_conflicts.py             which track each gets, and its rivals (eq. 16)
    supplement.py                  which tracks go on without a detection (eq. 17)
    embedding_mask_iou_tracker.py  all of these, for one frame
    track_memory.py                what is remembered of a video: a row a track
    track_frames.py                the frames of a chunk, one after the other
    space_tracker.py               MaskTracker's association, for any of them
"""

from .embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from .space_tracker import SpaceTracker
from .track_memory import TrackMemory

__all__ = [
    'EmbeddingMaskIoUTracker',
    'SpaceTracker',
    'TrackMemory',
]
