"""InstanceFlow (Li et al., 2021): bottom-up, tracks by flows from centre to centre.

The floor plan, in the order in which frames go through it. Numbers are the paper's.

    instance_flow.py             the model, frame by frame (section III, Figure 2)
    video_state.py               what is computed of frames, and remembered
    multi_scale.py               one input at several scales (IV-A)
    aspp.py                      context of several ranges (III-B1)
    deeplab_decoder.py           decoder with skip connections (III-B1)
    deeplab_head.py              both together, which each branch has of its own
    semantic_head.py             classes of pixels (III-B1)
    intra_frame_head.py          centres and offsets in the frame (III-B1)
    inter_frame_head.py          offsets to a reference frame (III-B2)
    temporal_context_fusion.py   its attention between frames (III-B2)
    concat_fusion.py             its alternatives (Table II)
    assembly.py                  from maps to instances (III-C1)
    center_nms.py                centres: peaks of the heatmap (III-C1)
    grouping.py                  which centre a pixel belongs to (III-C1, eq. 4)
    masks.py                     masks of the groups
    frame_pairs.py               the inter-frame head on several pairs of frames
    flow.py                      instance flow (III-C, eq. 3)
    flow_distances.py            distances of instances (III-C2, eq. 5; Table IV)
    tracker.py                   ids, labels, scores (III-C2 to III-C4, eq. 6)
    reference_frames.py          which frames are remembered, and votes (III-C3, IV-A)
    targets.py                   what the maps should be
    criterion.py                 all losses, that of shapes too (III-B3, eqs. 1, 2)
    affinity_field_criterion.py  the same with an affinity field (Table IV)

Shared with other models:

    common/base_vis.py           the loop over the frames of a video
    common/to_original_size.py   boxes and masks of the original frame
    common/frame_groups.py       frames whose masks fit in memory together
    common/host_copies.py        small tensors of a GPU, by one copy
    common/mask_boxes.py         boxes around masks
    common/batch_objects.py      annotated objects of a batch
    common/constants.py          tensors of a few numbers, made on the device
    common/settings.py           refuses unknown keys of test_cfg
    trackers/match_conflicts.py  two instances of one track
"""

from .affinity_field_criterion import AffinityFieldCriterion
from .assembly import InstanceAssembly
from .concat_fusion import ConcatCascadeASPPFusion, ConcatConvFusion
from .criterion import InstanceFlowCriterion
from .flow_distances import (
    AffinityField,
    InterOffsetAverage,
    InterOffsetIoU,
    OffsetResidual,
)
from .instance_flow import InstanceFlow
from .inter_frame_head import InterFrameHead
from .intra_frame_head import IntraFrameHead
from .semantic_head import SemanticHead
from .temporal_context_fusion import TemporalContextFusion
from .tracker import InstanceFlowTracker

__all__ = [
    'AffinityField',
    'AffinityFieldCriterion',
    'ConcatCascadeASPPFusion',
    'ConcatConvFusion',
    'InstanceAssembly',
    'InstanceFlow',
    'InstanceFlowCriterion',
    'InstanceFlowTracker',
    'InterFrameHead',
    'InterOffsetAverage',
    'InterOffsetIoU',
    'IntraFrameHead',
    'OffsetResidual',
    'SemanticHead',
    'TemporalContextFusion',
]
