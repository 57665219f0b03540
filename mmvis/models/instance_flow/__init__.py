"""TODO floor plan."""

from .affinity_field_criterion import AffinityFieldCriterion
from .aspp import ASPP
from .assembly import InstanceAssembly
from .center_nms import find_centers
from .concat_fusion import ConcatCascadeASPPFusion, ConcatConvFusion
from .criterion import InstanceFlowCriterion
from .deeplab_decoder import DeepLabDecoder, PixelPredictor
from .flow_distances import (
    AffinityField,
    InterOffsetAverage,
    InterOffsetIoU,
    OffsetResidual,
    TargetInstances,
    instance_flow,
)
from .grouping import group_pixels, instance_means
from .instance_flow import InstanceFlow
from .inter_frame_head import InterFrameFeatures, InterFrameHead
from .intra_frame_head import IntraFrameHead
from .reference_frames import InstanceFlowMemory, ReferenceFrame
from .semantic_head import SemanticHead
from .temporal_context_fusion import TemporalContextFusion
from .tracker import InstanceFlowTracker

__all__ = [
    'ASPP',
    'AffinityField',
    'AffinityFieldCriterion',
    'ConcatCascadeASPPFusion',
    'ConcatConvFusion',
    'DeepLabDecoder',
    'InstanceAssembly',
    'InstanceFlow',
    'InstanceFlowCriterion',
    'InstanceFlowMemory',
    'InstanceFlowTracker',
    'InterFrameFeatures',
    'InterFrameHead',
    'InterOffsetAverage',
    'InterOffsetIoU',
    'IntraFrameHead',
    'OffsetResidual',
    'PixelPredictor',
    'ReferenceFrame',
    'SemanticHead',
    'TargetInstances',
    'TemporalContextFusion',
    'find_centers',
    'group_pixels',
    'instance_flow',
    'instance_means',
]
