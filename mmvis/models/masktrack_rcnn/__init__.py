"""MaskTrack R-CNN (Yang et al., ICCV 2019): Mask R-CNN, embeddings and a memory.

The floor plan, in the order in which frames go through it. Detector, tracking head and
their losses are mmdet's; numbers are the paper's.

    masktrack_rcnn.py  the model, frame by frame
    embed_head.py      embeddings of detections in training (eqs. 1, 2)
    tracker.py         ids by embeddings, scores, boxes and labels (eq. 3)

Shared with other models:

    common/base_vis.py          the loop over the frames of a video
    common/bfloat16.py          operators without it, under autocast
    common/chunk_rcnn.py        the detector for all frames of a chunk
    common/roi_levels.py        RoI features without a question to the device
    common/frame_groups.py      how many frames' masks are made together
    trackers/supplement.py      refused here
    trackers/track_frames.py    the frames of a chunk, one after the other
    trackers/track_memory.py    what is remembered of a track
"""

from .embed_head import InstanceEmbedHead
from .masktrack_rcnn import MaskTrackRCNN
from .tracker import MaskTrackRCNNTracker

__all__ = [
    'InstanceEmbedHead',
    'MaskTrackRCNN',
    'MaskTrackRCNNTracker',
]
