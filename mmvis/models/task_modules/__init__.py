"""Assigners and anchor generators."""

from .class_aware_assigner import ClassAwareAssigner
from .kernel_anchor_generator import KernelAnchorGenerator

__all__ = ['ClassAwareAssigner', 'KernelAnchorGenerator']
