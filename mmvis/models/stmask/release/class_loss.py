"""The class loss of the released STMask."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvis.models.stmask.hard_negative_cross_entropy import (
    HardNegativeCrossEntropyLoss,
)
from mmvis.registry import MODELS


@MODELS.register_module()
class ReleasedHardNegativeCrossEntropyLoss(HardNegativeCrossEntropyLoss):
    """STMask's class loss with the released code's pairing of weights and entropies.

    The release lists the weights of all positives before those of all negatives, but
    the entropies in the order of the anchors. Its checkpoints are trained so.
    """

    def weights(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Weights (m,): those of positives, then those of negatives."""
        weight = self.negative_weight(negative)
        return torch.cat(
            [
                self.positive_weights(positive)[positive],
                weight.expand(negative.shape)[negative],
            ]
        )
