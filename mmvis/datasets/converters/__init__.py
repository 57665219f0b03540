"""Annotation files of the YouTube-VIS form out of other forms of video masks."""

from .coco_video import convert_coco_video
from .mask_folders import convert_mask_folders

__all__ = ['convert_coco_video', 'convert_mask_folders']
