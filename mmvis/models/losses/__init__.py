"""Losses that mmdet lacks."""

from .centerness_loss import CenternessLoss
from .hard_negative_cross_entropy import (
    HardNegativeCrossEntropyLoss,
    ReleasedHardNegativeCrossEntropyLoss,
)
from .pairwise_embedding_loss import PairwiseEmbeddingLoss
from .prototype_mask_loss import PrototypeMaskLoss
from .stmask_criterion import STMaskCriterion

__all__ = [
    'CenternessLoss',
    'HardNegativeCrossEntropyLoss',
    'PairwiseEmbeddingLoss',
    'PrototypeMaskLoss',
    'ReleasedHardNegativeCrossEntropyLoss',
    'STMaskCriterion',
]
