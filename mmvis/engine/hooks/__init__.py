"""Hooks that mmengine and mmdet lack."""

from .non_finite_loss_hook import NonFiniteLossError, NonFiniteLossHook
from .visualization_hook import VISVisualizationHook

__all__ = ['NonFiniteLossError', 'NonFiniteLossHook', 'VISVisualizationHook']
