"""Building blocks that several models use."""

from .anchor_convolution import AnchorConvolution
from .aspp import ASPP
from .base_mask_module import BaseMaskModule
from .center_nms import find_centers
from .concat_fusion import ConcatCascadeASPPFusion, ConcatConvFusion
from .correlation import local_correlation
from .deeplab_decoder import DeepLabDecoder, PixelPredictor
from .fast_nms import fast_nms, fast_nms_per_class
from .feature_calibration import (
    AdaptiveOffset,
    AlignedOffset,
    CalibratedConvolution,
    CalibratedFeatureConvolution,
    SameDeformConv2d,
    aligned_offsets,
)
from .granularity_blender import BoxPixels, ScalarBlender, VectorBlender
from .instance_assembly import InstanceAssembly
from .instance_flow import (
    AffinityField,
    InterOffsetAverage,
    InterOffsetIoU,
    OffsetResidual,
    TargetInstances,
    instance_flow,
)
from .instance_grouping import group_pixels, instance_means
from .mask_assembly import assemble_masks, crop_masks
from .mask_pasting import paste_masks
from .prototype_network import PrototypeNetwork
from .sub_regions import divide_boxes
from .temporal_context_fusion import TemporalContextFusion
from .temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)
from .temporal_fusion import TemporalFusion
from .temporal_network import TemporalNetwork

__all__ = [
    'ASPP',
    'AdaptiveOffset',
    'AffinityField',
    'AlignedOffset',
    'AnchorConvolution',
    'BaseMaskModule',
    'BoxPixels',
    'CalibratedConvolution',
    'CalibratedFeatureConvolution',
    'ConcatCascadeASPPFusion',
    'ConcatConvFusion',
    'DeepLabDecoder',
    'InstanceAssembly',
    'InterOffsetAverage',
    'InterOffsetIoU',
    'OffsetResidual',
    'PixelPredictor',
    'PrototypeNetwork',
    'ReferenceProposals',
    'SameDeformConv2d',
    'ScalarBlender',
    'TargetInstances',
    'TemporalContextFusion',
    'TemporalFeatureAugmentation',
    'TemporalFusion',
    'TemporalNetwork',
    'VectorBlender',
    'aligned_offsets',
    'assemble_masks',
    'crop_masks',
    'divide_boxes',
    'fast_nms',
    'fast_nms_per_class',
    'find_centers',
    'group_pixels',
    'instance_flow',
    'instance_means',
    'local_correlation',
    'paste_masks',
]
