"""Video instance segmentation models, a folder each, and what they share."""

from . import (
    common,
    instance_flow,
    masktrack_rcnn,
    sg_net,
    stmask,
    tfan,
    track_by_segmentation,
    trackers,
)

__all__ = [
    'common',
    'instance_flow',
    'masktrack_rcnn',
    'sg_net',
    'stmask',
    'tfan',
    'track_by_segmentation',
    'trackers',
]
