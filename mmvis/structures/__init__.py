"""Run-length masks and annotation files: what every other room can rely on."""

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
