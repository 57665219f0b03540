"""The class loss of the released STMask."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

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

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        positive: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """See the base class; ``positive`` is not looked at."""
        background = logits.shape[-1] - 1
        found = (labels >= 0) & (labels < background)
        negative = self.hard_negatives(logits, labels == background, found)
        counted = (found | negative).nonzero(as_tuple=True)
        dtype = torch.promote_types(logits.dtype, torch.float32)
        entropies = cross_entropy(
            logits[counted].to(dtype), labels[counted], reduction='none'
        )
        frame = found.nonzero()[:, 0]
        taken = negative[negative]
        weights = self._weights(frame, taken, len(labels)).to(dtype)
        share = self.loss_weight / (1 + self.negative_balance) / len(labels)
        return share * (entropies * weights).sum()
