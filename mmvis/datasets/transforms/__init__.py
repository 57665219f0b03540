"""Transforms of training clips: sampling, loading, cropping, packing."""

from .clip_crop import ClipFixedSizeCrop, ClipRandomCrop
from .frame_sampling import RefFrameSample
from .loading import LoadVISFrame
from .loading_annotations import LoadVISAnnotations
from .pack import VIS_META_KEYS, PackVISInputs
from .pseudo_clip import PseudoClip

__all__ = [
    'VIS_META_KEYS',
    'ClipFixedSizeCrop',
    'ClipRandomCrop',
    'LoadVISAnnotations',
    'LoadVISFrame',
    'PackVISInputs',
    'PseudoClip',
    'RefFrameSample',
]
