"""Losses that mmdet lacks."""

from .affinity_field_criterion import AffinityFieldCriterion
from .centerness_loss import CenternessLoss
from .granularity_mask_loss import GranularityMaskLoss
from .hard_negative_cross_entropy import (
    HardNegativeCrossEntropyLoss,
    ReleasedHardNegativeCrossEntropyLoss,
)
from .instance_flow_criterion import InstanceFlowCriterion
from .log_giou_loss import LogGIoULoss
from .pairwise_embedding_loss import PairwiseEmbeddingLoss
from .prototype_mask_loss import PrototypeMaskLoss
from .stmask_criterion import STMaskCriterion

__all__ = [
    'AffinityFieldCriterion',
    'CenternessLoss',
    'GranularityMaskLoss',
    'HardNegativeCrossEntropyLoss',
    'InstanceFlowCriterion',
    'LogGIoULoss',
    'PairwiseEmbeddingLoss',
    'PrototypeMaskLoss',
    'ReleasedHardNegativeCrossEntropyLoss',
    'STMaskCriterion',
]
