"""Heads that predict something of every pixel."""

from .inter_frame_head import InterFrameFeatures, InterFrameHead
from .intra_frame_head import IntraFrameHead
from .semantic_head import SemanticHead

__all__ = ['InterFrameFeatures', 'InterFrameHead', 'IntraFrameHead', 'SemanticHead']
