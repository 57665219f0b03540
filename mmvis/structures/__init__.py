"""Run-length masks and annotation files: what every other room can rely on."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .annotation_checks import AnnotationWarning
    from .annotation_file import VISAnnotations, read_annotation_file
    from .nested_tensors import map_tensors
    from .rle import (
        concatenate_rles,
        decode_masks,
        empty_rle,
        encode_masks,
        rle_area,
        rle_to_bbox,
        unpack_counts,
    )
    from .segmentation import to_rle
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'AnnotationWarning',
    'VISAnnotations',
    'concatenate_rles',
    'decode_masks',
    'empty_rle',
    'encode_masks',
    'map_tensors',
    'read_annotation_file',
    'rle_area',
    'rle_to_bbox',
    'to_rle',
    'unpack_counts',
]
