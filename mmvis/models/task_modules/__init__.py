"""Assigners, anchor generators and coders of boxes."""

from .class_aware_assigner import ClassAwareAssigner
from .kernel_anchor_generator import KernelAnchorGenerator
from .yolact_bbox_coder import YolactBBoxCoder

__all__ = ['ClassAwareAssigner', 'KernelAnchorGenerator', 'YolactBBoxCoder']
