"""Building blocks that several models use."""

from .anchor_convolution import AnchorConvolution
from .base_mask_module import BaseMaskModule
from .center_nms import find_centers
from .correlation import local_correlation
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
from .mask_assembly import assemble_masks, crop_masks
from .mask_pasting import paste_masks
from .prototype_network import PrototypeNetwork
from .sub_regions import divide_boxes
from .temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)
from .temporal_fusion import TemporalFusion
from .temporal_network import TemporalNetwork

__all__ = [
    'AdaptiveOffset',
    'AlignedOffset',
    'AnchorConvolution',
    'BaseMaskModule',
    'BoxPixels',
    'CalibratedConvolution',
    'CalibratedFeatureConvolution',
    'PrototypeNetwork',
    'ReferenceProposals',
    'SameDeformConv2d',
    'ScalarBlender',
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
    'local_correlation',
    'paste_masks',
]
