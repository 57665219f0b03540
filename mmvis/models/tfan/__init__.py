"""TFAN (Dong et al., ICCV Workshops 2019): a cascade that sees other frames' objects.

The floor plan, in the order in which frames go through it. Numbers are the paper's.

    tfan.py                            the model, frame by frame (section 2.1, Figure 1)
    reference_proposals.py             the t best proposals of all frames (2.2)
    augmented_roi_extractor.py         where features are augmented (Figure 1)
    reference_set.py                   a frame's references, and who takes part (2.2)
    chunk_detection.py                 the frames of a chunk, all steps together
    chunk_references.py                both for frames that come together
    temporal_feature_augmentation.py   similarity, weighted sum (2.2, eqs. 1, 2)
    fc_feature_augmentation.py         not the paper's: among fc features
    cascade_mask_roi_head.py           mmdet's cascade, masks before they are pasted
    training_clips.py                  key and reference frames in training
    offline.py                         the same with frames of the whole video

Shared with other models:

    masktrack_rcnn/masktrack_rcnn.py        targets of an RPN
    masktrack_rcnn/embed_head.py            the tracking head's embeddings (2.3)
    common/base_vis.py                      the loop over the frames of a video
    common/bfloat16.py                      operators without it, under autocast
    common/chunk_rcnn.py                    the detector for all frames of a chunk
    common/frame_groups.py                  how many frames' masks are made together
    common/mask_pasting.py                  masks on a grid, for the match (2.3)
    common/roi_levels.py                    RoI features of all levels, on a GPU
    common/settings.py                      refuses unknown keys of test_cfg
    trackers/match_score.py                 cues of the match, mask IoU too (2.3)
    trackers/match_conflicts.py             two detections of one track
    trackers/embedding_mask_iou_tracker.py  ids (2.3)
    trackers/supplement.py                  refused here
    trackers/track_frames.py                the frames of a chunk, one after the other
    trackers/track_memory.py                what is remembered of a track
"""

from .augmented_roi_extractor import AugmentedRoIExtractor
from .cascade_mask_roi_head import CascadeMaskRoIHead
from .fc_feature_augmentation import FCFeatureAugmentation
from .offline import OfflineTFAN
from .temporal_feature_augmentation import TemporalFeatureAugmentation
from .tfan import TFAN

__all__ = [
    'TFAN',
    'AugmentedRoIExtractor',
    'CascadeMaskRoIHead',
    'FCFeatureAugmentation',
    'OfflineTFAN',
    'TemporalFeatureAugmentation',
]
