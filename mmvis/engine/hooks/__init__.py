"""Hooks that mmengine and mmdet lack."""

from .visualization_hook import VISVisualizationHook

__all__ = ['VISVisualizationHook']
