"""TODO floor plan."""

from . import release
from .anchor_convolution import AnchorConvolution
from .centerness_loss import CenternessLoss
from .correlation import local_correlation
from .criterion import STMaskCriterion
from .deformable_resnet import DeformableResNet
from .fast_nms import fast_nms, fast_nms_per_class
from .feature_calibration import (
    AdaptiveOffset,
    AlignedOffset,
    CalibratedConvolution,
    CalibratedFeatureConvolution,
    SameDeformConv2d,
    aligned_offsets,
)
from .hard_negative_cross_entropy import (
    HardNegativeCrossEntropyLoss,
    ReleasedHardNegativeCrossEntropyLoss,
)
from .head import STMaskHead
from .kernel_anchor_generator import KernelAnchorGenerator
from .mask_assembly import assemble_masks, crop_masks
from .outputs import STMaskOutputs
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
    'CalibratedFeatureConvolution',
    'CenternessLoss',
    'DeformableResNet',
    'HardNegativeCrossEntropyLoss',
    'KernelAnchorGenerator',
    'PrototypeMaskLoss',
    'PrototypeNetwork',
    'ReleasedHardNegativeCrossEntropyLoss',
    'STMask',
    'STMaskCriterion',
    'STMaskHead',
    'STMaskOutputs',
    'SameDeformConv2d',
    'TemporalFusion',
    'TemporalNetwork',
    'YolactBBoxCoder',
    'YolactFPN',
    'aligned_offsets',
    'assemble_masks',
    'crop_masks',
    'fast_nms',
    'fast_nms_per_class',
    'local_correlation',
    'release',
]
