"""Building blocks that several models use."""

from .temporal_network import TemporalNetwork

__all__ = ['TemporalNetwork']
