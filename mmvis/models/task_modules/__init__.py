"""Assigners and anchor generators."""

from .kernel_anchor_generator import KernelAnchorGenerator

__all__ = ['KernelAnchorGenerator']
