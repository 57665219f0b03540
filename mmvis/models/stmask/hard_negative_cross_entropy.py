"""Cross-entropy over positive anchors and the hardest negative ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmvis.registry import MODELS


@MODELS.register_module()
class HardNegativeCrossEntropyLoss(nn.Module):
    """Softmax cross-entropy with hard negative mining over the whole batch.

    The negatives with the highest foreground probability are taken, a fixed number for
    each positive of the batch. The loss is the mean over frames of (the mean over the
    frame's positives + b times the mean over all negatives taken) / (1 + b). With b = 3
    it is Yolact's loss, with the frames counting alike.

    Args:
        negative_ratio (int): Negatives taken for each positive.
        negative_balance (float): The weight b of the negatives.
        loss_weight (float): Factor to the loss.
    """

    def __init__(
        self,
        negative_ratio: int = 3,
        negative_balance: float = 3.0,
        loss_weight: float = 6.125,
    ) -> None:
        super().__init__()
        self.negative_ratio = negative_ratio
        self.negative_balance = negative_balance
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of n frames with N anchors each.

        Args:
            logits (Tensor): (n, N, C + 1), the background last.
            labels (Tensor): (n, N) int64; -1 is ignored, C the background.

        Returns:
            Tensor: A scalar, float32 at least. Without a positive no negative is taken:
            zero then, and connected with the logits.
        """
        background = logits.shape[-1] - 1
        positive = (labels >= 0) & (labels < background)
        negative = self.hard_negatives(logits, labels == background, positive)
        counted = (positive | negative).nonzero(as_tuple=True)
        # Of few anchors only; in half precision the logarithm loses too much.
        dtype = torch.promote_types(logits.dtype, torch.float32)
        entropies = cross_entropy(
            logits[counted].to(dtype), labels[counted], reduction='none'
        )
        weights = self.weights(positive, negative).to(dtype)
        share = self.loss_weight / (1 + self.negative_balance) / len(labels)
        return share * (entropies * weights).sum()

    @torch.no_grad()
    def hard_negatives(
        self, logits: Tensor, negative: Tensor, positive: Tensor
    ) -> Tensor:
        """Which of the negatives are taken: (n, N) bool, like the other masks."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        # -log of the background's probability. It is never below the zero that all
        # other anchors get, which come last so.
        hardness = logits.logsumexp(-1) - logits[..., -1]
        hardness = hardness.where(negative, 0.0).flatten()
        count = min(self.negative_ratio * int(positive.sum()), len(hardness))
        chosen = torch.zeros_like(hardness, dtype=torch.bool)
        chosen[hardness.topk(count).indices] = True
        return chosen.view_as(negative) & negative

    def weights(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Weights (m,) of the m anchors in either mask (n, N), in the anchors' order.

        The positives of a frame share a weight of one, all negatives one of b n.
        """
        return (
            self.positive_weights(positive) + negative * self.negative_weight(negative)
        )[positive | negative]

    @staticmethod
    def positive_weights(positive: Tensor) -> Tensor:
        """(n, N): one over the positives of the frame, at the positives."""
        return positive / positive.sum(1, keepdim=True).clamp(min=1)

    def negative_weight(self, negative: Tensor) -> Tensor:
        """A scalar: b times the number of frames over the number of negatives."""
        return self.negative_balance * len(negative) / negative.sum().clamp(min=1)
