"""Models, their heads and their trackers."""

from . import (
    backbones,
    dense_heads,
    layers,
    losses,
    necks,
    roi_heads,
    seg_heads,
    task_modules,
    trackers,
    vis,
)

__all__ = [
    'backbones',
    'dense_heads',
    'layers',
    'losses',
    'necks',
    'roi_heads',
    'seg_heads',
    'task_modules',
    'trackers',
    'vis',
]
