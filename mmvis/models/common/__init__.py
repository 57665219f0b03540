"""What models share, and what imports none of them.

The floor plan, in the order in which frames go through it.

    base_vis.py                 every model's loop over the frames of a video
    frame_groups.py             which frames of a chunk are dealt with together
    video_states.py             the states of videos, kept apart from the network
    constants.py                tensors of a few numbers, made on the device
    settings.py                 a key of test_cfg that nothing reads is an error
    bfloat16.py                 operators without it, under autocast
    prediction_at_places.py     a convolution at a few places, not on the whole map
    roi_levels.py               RoI features without a question to the device
    delta_decoding.py           boxes of regressions, with less to launch
    chunk_rcnn.py               two-stage detectors for all frames of a chunk
    frame_nms.py                duplicates removed in several frames by one call
    mask_boxes.py               boxes around masks
    mask_pasting.py             masks of boxes, on a grid or in the frame
    to_original_size.py         boxes and masks, from the input to the frame
    host_copies.py              small tensors of a GPU, by one copy
    batch_objects.py            annotated objects of a batch, for losses
    pairwise_embedding_loss.py  embeddings of one object alike, of two not
"""

from .base_vis import BaseVISModel
from .pairwise_embedding_loss import PairwiseEmbeddingLoss

__all__ = [
    'BaseVISModel',
    'PairwiseEmbeddingLoss',
]
