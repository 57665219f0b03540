"""Video sets, their samplers and transforms."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from . import transforms
    from .class_names import (
        OVIS_CLASSES,
        YTVIS_2019_CLASSES,
        YTVIS_2021_CLASSES,
        YTVIS_2022_CLASSES,
    )
    from .coco_pseudo_video import CocoPseudoVideoDataset
    from .dataset_wrappers import VISClassBalancedDataset, VISConcatDataset
    from .samplers import ClipSampler, InfiniteKeyFrameSampler, KeyFrameSampler
    from .youtube_vis import YouTubeVISDataset
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'OVIS_CLASSES',
    'YTVIS_2019_CLASSES',
    'YTVIS_2021_CLASSES',
    'YTVIS_2022_CLASSES',
    'ClipSampler',
    'CocoPseudoVideoDataset',
    'InfiniteKeyFrameSampler',
    'KeyFrameSampler',
    'VISClassBalancedDataset',
    'VISConcatDataset',
    'YouTubeVISDataset',
    'transforms',
]
