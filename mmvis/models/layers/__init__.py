"""Building blocks that several models use."""

from .correlation import LocalCorrelation, local_correlation
from .temporal_network import TemporalNetwork

__all__ = ['LocalCorrelation', 'TemporalNetwork', 'local_correlation']
