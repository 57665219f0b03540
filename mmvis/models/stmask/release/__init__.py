"""TODO floor plan."""

from .class_aware_assigner import ClassAwareAssigner
from .head import ReleasedSTMaskHead

__all__ = [
    'ClassAwareAssigner',
    'ReleasedSTMaskHead',
]
