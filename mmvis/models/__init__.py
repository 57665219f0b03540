"""Video instance segmentation models, a folder each, and what they share.

    stmask/                 STMask: spatial calibration, temporal fusion (CVPR 2021)
    sg_net/                 SG-Net: masks of sub-regions, tracks of centres (CVPR 2021)
    instance_flow/          InstanceFlow: bottom-up, flows between centres (2021)
    tfan/                   TFAN: features of other frames' objects (ICCV-W 2019)
    masktrack_rcnn/         MaskTrack R-CNN: the baseline (ICCV 2019)
    track_by_segmentation/  any segmentor of mmdet as a video model, untrained
    trackers/               association that several of them use
    common/                 all else that several of them use

The docstring of each folder's ``__init__.py`` is its floor plan: a line a file, with
the equation or section of the paper that it is. ``common`` imports none of the others,
``trackers`` only ``common``, a model these two and no other model; TFAN alone has
MaskTrack R-CNN's tracking head.
"""

# First of all: it says what is wrong with a dependency, and what to type.
import mmvis.registry  # noqa: F401

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
