"""Embeddings of one object close together, those of two objects far apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvis.registry import MODELS

# Of a pair; the least that the release takes the logarithm of.
MIN_PROBABILITY = 1e-10


@MODELS.register_module()
class PairwiseEmbeddingLoss(nn.Module):
    """Binary cross-entropy of the cosine of every pair of embeddings.

    With c = (cosine + 1) / 2, a pair of one object costs -log c and a pair of two
    objects -log(1 - c). The loss is the mean over pairs, weighted by the product of
    their two weights. It brings together what the first term of eq. 15 compares.

    Args:
        max_samples (int | None): At most this many embeddings, drawn at random: time
            and memory grow with their square. None: all.
        balanced (bool): Pairs of one object count as much as pairs of two, of which
            there are many more: the loss is the mean of the two means.
        loss_weight (float): Factor to the loss.
    """

    def __init__(
        self,
        max_samples: int | None = None,
        balanced: bool = False,
        loss_weight: float = 5.0,
    ) -> None:
        super().__init__()
        self.balanced = balanced
        self.max_samples = max_samples
        self.loss_weight = loss_weight

    def forward(self, embeddings: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
        """The loss of p embeddings.

        Args:
            embeddings (Tensor): (p, D) of length one.
            ids (Tensor): (p,) int64, equal for one object.
            weights (Tensor): (p,), not negative.

        Returns:
            Tensor: A scalar, float32 at least. Without a pair, or where no pair has a
            weight, zero and connected with the embeddings.
        """
        if self.max_samples is not None and len(ids) > self.max_samples:
            chosen = torch.randperm(len(ids), device=ids.device)[: self.max_samples]
            embeddings, ids, weights = embeddings[chosen], ids[chosen], weights[chosen]
        with torch.autocast(embeddings.device.type, enabled=False):
            dtype = torch.promote_types(embeddings.dtype, torch.float32)
            embeddings, weights = embeddings.to(dtype), weights.to(dtype)
            close = (embeddings @ embeddings.T + 1) / 2
            same = ids[:, None] == ids[None]
            probability = torch.where(same, close, 1 - close)
            cost = -probability.clamp(min=MIN_PROBABILITY).log()
            # Every pair once, and none with itself.
            pairs = torch.triu(weights[:, None] * weights[None], diagonal=1)
            if self.balanced:
                pairs = _share(pairs * same) + _share(pairs * ~same)
            total = pairs.sum()
            return (
                self.loss_weight
                * (pairs * cost).sum()
                / total.where(total > 0, torch.ones_like(total))
            )


def _share(weights: Tensor) -> Tensor:
    """Weights that sum to one, or zeros."""
    total = weights.sum()
    return weights / total.where(total > 0, torch.ones_like(total))
