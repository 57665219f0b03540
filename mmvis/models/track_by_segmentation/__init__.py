"""TrackBySegmentation: any instance segmentor of mmdet as a video model, untrained.

The floor plan, in the order in which frames go through it.

    track_by_segmentation.py  the model, frame by frame
    segmentor_config.py       a segmentor's config and weights in a video model's
    frame_instances.py        what it finds in several frames, side by side
    mask_pooling.py           looks: features inside masks
    query_looks.py            looks: the queries of a MaskFormer

Shared with other models:

    common/base_vis.py                      the loop over the frames of a video
    common/bfloat16.py                      operators without it, under autocast
    common/frame_groups.py                  which frames of a chunk go together
    common/chunk_rcnn.py                    two-stage detectors, a chunk at once
    common/roi_levels.py                    RoI features of all levels, on a GPU
    common/frame_nms.py                     the best of several frames
    common/mask_boxes.py                    boxes around masks
    trackers/match_score.py                 mask IoU, and scores of the match
    trackers/match_conflicts.py             two detections of one track
    trackers/embedding_mask_iou_tracker.py  ids
    trackers/supplement.py                  refused here
    trackers/track_frames.py                the frames of a chunk, one after the other
    trackers/track_memory.py                what is remembered of a track
    trackers/space_tracker.py               ids, limited in space
"""

from .track_by_segmentation import TrackBySegmentation

__all__ = [
    'TrackBySegmentation',
]
