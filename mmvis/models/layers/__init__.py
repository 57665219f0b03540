"""Building blocks that several models use."""

from .anchor_convolution import AnchorConvolution
from .correlation import LocalCorrelation, local_correlation
from .fast_nms import fast_nms, fast_nms_per_class
from .feature_calibration import (
    AdaptiveOffset,
    AlignedOffset,
    CalibratedConvolution,
    CalibratedFeatureConvolution,
    SameDeformConv2d,
    aligned_offsets,
)
from .mask_assembly import assemble_masks, crop_masks
from .prototype_network import PrototypeNetwork
from .temporal_fusion import TemporalFusion
from .temporal_network import TemporalNetwork

__all__ = [
    'AdaptiveOffset',
    'AlignedOffset',
    'AnchorConvolution',
    'CalibratedConvolution',
    'CalibratedFeatureConvolution',
    'LocalCorrelation',
    'PrototypeNetwork',
    'SameDeformConv2d',
    'TemporalFusion',
    'TemporalNetwork',
    'aligned_offsets',
    'assemble_masks',
    'crop_masks',
    'fast_nms',
    'fast_nms_per_class',
    'local_correlation',
]
