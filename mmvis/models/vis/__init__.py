"""Video instance segmentation models, one file each."""

from .base_vis import BaseVISModel
from .masktrack_rcnn import InstanceEmbedHead, MaskTrackRCNN
from .sg_net import SGNet
from .stmask import STMask

__all__ = ['BaseVISModel', 'InstanceEmbedHead', 'MaskTrackRCNN', 'SGNet', 'STMask']
