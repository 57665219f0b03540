"""What two-stage models do with regions of interest."""

from .augmented_roi_extractor import AugmentedFeatures, AugmentedRoIExtractor
from .cascade_mask_roi_head import CascadeMaskRoIHead
from .reference_proposals import ReferenceMemory, select_references

__all__ = [
    'AugmentedFeatures',
    'AugmentedRoIExtractor',
    'CascadeMaskRoIHead',
    'ReferenceMemory',
    'select_references',
]
