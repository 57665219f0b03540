"""TODO floor plan."""

from .base_mask_module import BaseMaskModule
from .centerness_tracker import CenternessTracker
from .granularity_blender import BoxPixels, ScalarBlender, VectorBlender
from .granularity_mask_loss import GranularityMaskLoss
from .head import SGNetHead
from .log_giou_loss import LogGIoULoss
from .sg_net import SGNet
from .sub_regions import divide_boxes

__all__ = [
    'BaseMaskModule',
    'BoxPixels',
    'CenternessTracker',
    'GranularityMaskLoss',
    'LogGIoULoss',
    'SGNet',
    'SGNetHead',
    'ScalarBlender',
    'VectorBlender',
    'divide_boxes',
]
