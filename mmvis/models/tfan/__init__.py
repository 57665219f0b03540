"""TODO floor plan."""

from .augmented_roi_extractor import AugmentedFeatures, AugmentedRoIExtractor
from .cascade_mask_roi_head import CascadeMaskRoIHead
from .mask_pasting import paste_masks
from .offline import OfflineTFAN
from .reference_proposals import ReferenceMemory, select_references
from .temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)
from .tfan import TFAN

__all__ = [
    'TFAN',
    'AugmentedFeatures',
    'AugmentedRoIExtractor',
    'CascadeMaskRoIHead',
    'OfflineTFAN',
    'ReferenceMemory',
    'ReferenceProposals',
    'TemporalFeatureAugmentation',
    'paste_masks',
    'select_references',
]
