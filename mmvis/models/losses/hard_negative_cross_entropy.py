"""Cross-entropy over positive anchors and the hardest negative ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmvis.registry import MODELS


@MODELS.register_module()
class HardNegativeCrossEntropyLoss(nn.Module):
    """Softmax cross-entropy with hard negative mining over the whole batch.

    The negatives of the highest foreground probability are taken, a fixed number for
    each positive. Positives count by their mean in each frame, negatives by three
    times their mean over the batch; the sum is divided by four.

    Args:
        negative_ratio (int): Negatives taken for each positive.
        loss_weight (float): Factor to the loss.
    """

    def __init__(self, negative_ratio: int = 3, loss_weight: float = 6.125) -> None:
        super().__init__()
        self.negative_ratio = negative_ratio
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of n frames with N anchors each.

        Args:
            logits (Tensor): (n, N, C + 1), the background last.
            labels (Tensor): (n, N) int64; -1 is ignored, C the background.

        Returns:
            Tensor: A scalar; zero, and connected with the logits, without positives.
        """
        logits = logits.float()
        background = logits.shape[-1] - 1
        positive = (labels >= 0) & (labels < background)
        with torch.no_grad():
            negative = self.hard_negatives(logits, labels == background, positive)
        entropies = cross_entropy(
            logits.flatten(0, 1), labels.flatten().clamp(min=0), reduction='none'
        )
        weights = self.weights(positive, negative)
        return self.loss_weight / 4 / len(labels) * (entropies * weights).sum()

    def hard_negatives(
        self, logits: Tensor, negative: Tensor, positive: Tensor
    ) -> Tensor:
        """Which of the negatives (n, N) are taken."""
        # The foreground's log-odds grow with this; it is never negative, so that the
        # zeros of other anchors come last.
        hardness = logits.logsumexp(-1) - logits[..., -1]
        hardness = torch.where(negative, hardness, 0.0).flatten()
        count = min(self.negative_ratio * int(positive.sum()), len(hardness) - 1)
        chosen = torch.zeros_like(hardness, dtype=torch.bool)
        chosen[hardness.topk(count).indices] = True
        return chosen.view_as(negative) & negative

    def weights(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Weights (n * N,) of the anchors' entropies."""
        return self.positive_weights(positive).flatten() + (
            self.negative_weight(negative) * negative.flatten()
        )

    @staticmethod
    def positive_weights(positive: Tensor) -> Tensor:
        """(n, N): one over the positives of the frame, at the positives."""
        return positive / positive.sum(1, keepdim=True).clamp(min=1)

    @staticmethod
    def negative_weight(negative: Tensor) -> Tensor:
        """Scalar: three times the number of frames over the number of negatives."""
        return 3.0 * len(negative) / negative.sum().clamp(min=1)


@MODELS.register_module()
class ReleasedHardNegativeCrossEntropyLoss(HardNegativeCrossEntropyLoss):
    """The same with the released code's pairing of weights and entropies.

    The release lists the weights of all positives before those of all negatives, but
    the entropies in the order of the anchors. Its checkpoints are trained so.
    """

    def weights(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Weights (n * N,) of the anchors' entropies."""
        counted = (positive | negative).flatten()
        listed = torch.cat(
            [
                self.positive_weights(positive)[positive],
                self.negative_weight(negative).expand(int(negative.sum())),
            ]
        )
        return torch.zeros_like(counted, dtype=listed.dtype).masked_scatter(
            counted, listed
        )
