"""Models, their heads and their trackers."""

from . import trackers, vis

__all__ = ['trackers', 'vis']
