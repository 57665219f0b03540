"""TODO floor plan."""

from .base_vis import BaseVISModel
from .pairwise_embedding_loss import PairwiseEmbeddingLoss

__all__ = [
    'BaseVISModel',
    'PairwiseEmbeddingLoss',
]
