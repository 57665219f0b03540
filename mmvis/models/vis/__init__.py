"""Video instance segmentation models, one file each."""

from .base_vis import BaseVISModel
from .instance_flow import InstanceFlow
from .masktrack_rcnn import InstanceEmbedHead, MaskTrackRCNN
from .sg_net import SGNet
from .stmask import STMask
from .tfan import TFAN
from .tfan_offline import OfflineTFAN
from .track_by_segmentation import TrackBySegmentation

__all__ = [
    'TFAN',
    'BaseVISModel',
    'InstanceEmbedHead',
    'InstanceFlow',
    'MaskTrackRCNN',
    'OfflineTFAN',
    'SGNet',
    'STMask',
    'TrackBySegmentation',
]
