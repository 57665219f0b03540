"""SG-Net (Liu et al., CVPR 2021): masks of sub-regions, tracks of centres.

The floor plan, in the order in which frames go through it. Numbers are the paper's.

    sg_net.py                 the model, frame by frame (section 3.1, Figure 2)
    head.py                   FCOS, attention scores (3.2), movements (3.3, eq. 4)
    pyramid.py                its predictions on all levels, and at a few places
    frame_detection.py        detections of frames, duplicates removed
    sub_regions.py            divisions of a box (3.2, eq. 1)
    base_mask_module.py       base masks, from P3 to P5 (3.2, Figure 3)
    granularity_blender.py    masks of scores and base masks (3.2, eqs. 2, 3)
    weighted_sums.py          sums of base masks, in pieces
    centerness_tracker.py     ids by the movements of centres (3.3)
    log_giou_loss.py          loss of boxes (3.4, eq. 5)
    granularity_mask_loss.py  loss of masks (3.4, eq. 6)

Shared with other models:

    common/base_vis.py                 the loop over the frames of a video
    common/bfloat16.py                 operators without it, under autocast
    common/prediction_at_places.py     a convolution at a few places only
    common/frame_nms.py                duplicates removed in frames by one call
    common/to_original_size.py         boxes and masks of the original frame
    common/batch_objects.py            annotated objects of a batch
    common/pairwise_embedding_loss.py  loss of embeddings, which are an option
    common/constants.py                tensors of a few numbers, made on the device
    common/settings.py                 refuses unknown keys of test_cfg
    trackers/track_frames.py           the frames of a chunk, one after the other
    trackers/match_conflicts.py        two detections of one track
    trackers/track_memory.py           what is remembered of a track
"""

from .base_mask_module import BaseMaskModule
from .centerness_tracker import CenternessTracker
from .granularity_blender import ScalarBlender, VectorBlender
from .granularity_mask_loss import GranularityMaskLoss
from .head import SGNetHead
from .log_giou_loss import LogGIoULoss
from .sg_net import SGNet

__all__ = [
    'BaseMaskModule',
    'CenternessTracker',
    'GranularityMaskLoss',
    'LogGIoULoss',
    'SGNet',
    'SGNetHead',
    'ScalarBlender',
    'VectorBlender',
]
