"""STMask (Li et al., CVPR 2021): spatial feature calibration and temporal fusion.

The floor plan, in the order in which frames go through it. Numbers are the paper's.

    stmask.py                       the model, frame by frame (section 3, Figure 2)
    deformable_resnet.py            backbone, every third block deformable (4.1)
    deformable_sampling.py          deformable convolution on a CPU
    yolact_fpn.py                   Yolact's feature pyramid, P3 to P7
    prototype_network.py            prototypes, from P3 (P of eq. 9)
    head.py                         class, box, mask and track of each anchor
    kernel_anchor_generator.py      FCA: anchors as large as their kernels (3.1.1)
    anchor_convolution.py           FCA: a kernel for each anchor (3.1.1, Figure 3)
    yolact_bbox_coder.py            transformation of boxes (eqs. 1, 2, 11, 12)
    calibration_offsets.py          FCB: adaptive (eq. 5), aligned (eqs. 6, 7, 8)
    calibrated_convolution.py       FCB: samples the regressed box (eqs. 3, 4)
    video_state.py                  what is computed of frames, and remembered
    outputs.py                      what the head predicts of all anchors
    postponed_predictions.py        what it predicts of the detections alone
    joined_head.py                  the head on all levels at once, on a GPU
    level_canvas.py                 all levels on one map, zeros between them
    joined_parameters.py            weights of several layers as one, for tests
    fast_nms.py                     Yolact's NMS without a loop
    frame_detection.py              the detections of a frame, by any NMS
    chunk_detection.py              the detections of several frames at once
    mask_assembly.py                masks of both frames (eqs. 9, 14)
    temporal_fusion.py              from frame to frame (3.2, eqs. 10, 11, 12, 13)
    correlation.py                  its correlation of two feature maps
    tiling.py                       tiles and windows of that, on a CPU
    chunk_tracking.py               all carried through a chunk, then associated
    temporal_network.py             its network (Figure 5, eqs. 10, 13)
    criterion.py                    all losses; the paper names none
    batch_assignment.py             objects to anchors in all frames at once
    targets.py                      which anchor is trained on which object
    hard_negative_cross_entropy.py  loss of classes
    prototype_mask_loss.py          loss of masks (of eqs. 9 and 14)
    centerness_loss.py              loss of the box quality that the release predicts
    release/                        what only the authors' checkpoints need

Shared with other models:

    common/base_vis.py                      the loop over the frames of a video
    common/delta_decoding.py                boxes of regressions, with less to launch
    common/prediction_at_places.py          a convolution at a few places only
    common/frame_nms.py                     duplicates removed in several frames
    common/to_original_size.py              boxes and masks of the original frame
    common/batch_objects.py                 annotated objects of a batch
    common/pairwise_embedding_loss.py       loss of embeddings
    common/host_copies.py                   small tensors of a GPU, by one copy
    common/constants.py                     tensors of a few numbers, made on the device
    common/settings.py                      refuses unknown keys of test_cfg
    trackers/match_score.py                 scores of detections and tracks (eq. 15)
    trackers/match_conflicts.py             two detections of one track (eq. 16)
    trackers/embedding_mask_iou_tracker.py  ids (eq. 16), supplements (eq. 17)
    trackers/state_shapes.py                masks of tracks compared beforehand
    trackers/track_frames.py                the frames of a chunk, without fusion
    trackers/track_memory.py                what is remembered of a track
"""

from . import release
from .anchor_convolution import AnchorConvolution
from .calibrated_convolution import CalibratedConvolution
from .calibration_offsets import AdaptiveOffset, AlignedOffset
from .centerness_loss import CenternessLoss
from .criterion import STMaskCriterion
from .deformable_resnet import DeformableResNet
from .hard_negative_cross_entropy import HardNegativeCrossEntropyLoss
from .head import STMaskHead
from .kernel_anchor_generator import KernelAnchorGenerator
from .prototype_mask_loss import PrototypeMaskLoss
from .prototype_network import PrototypeNetwork
from .stmask import STMask
from .temporal_fusion import TemporalFusion
from .temporal_network import TemporalNetwork
from .yolact_bbox_coder import YolactBBoxCoder
from .yolact_fpn import YolactFPN

__all__ = [
    'AdaptiveOffset',
    'AlignedOffset',
    'AnchorConvolution',
    'CalibratedConvolution',
    'CenternessLoss',
    'DeformableResNet',
    'HardNegativeCrossEntropyLoss',
    'KernelAnchorGenerator',
    'PrototypeMaskLoss',
    'PrototypeNetwork',
    'STMask',
    'STMaskCriterion',
    'STMaskHead',
    'TemporalFusion',
    'TemporalNetwork',
    'YolactBBoxCoder',
    'YolactFPN',
    'release',
]
