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

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        positive: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """The loss of n frames with N anchors each.

        Args:
            logits (Tensor): (n, N, C + 1), the background last.
            labels (Tensor): (n, N) int64; -1 is ignored, C the background.
            positive (tuple[Tensor, Tensor] | None): (p,) frames and (p,) anchors of the
                positives, where they are known: the host does not wait for the device
                to find them then.

        Returns:
            Tensor: A scalar, float32 at least. Without a positive no negative is taken:
            zero then, and connected with the logits.
        """
        background = logits.shape[-1] - 1
        if positive is None:
            found = (labels >= 0) & (labels < background)
            frame, anchor = found.nonzero(as_tuple=True)
        else:
            frame, anchor = positive
        index, taken = self._hardest(logits, labels == background, len(frame))
        rows = torch.cat([frame * labels.shape[1] + anchor, index])
        # Of few anchors only; in half precision the logarithm loses too much.
        dtype = torch.promote_types(logits.dtype, torch.float32)
        entropies = cross_entropy(
            logits.flatten(0, 1).index_select(0, rows).to(dtype),
            labels.flatten()[rows].clamp(min=0),
            reduction='none',
        )
        # Where there are too few negatives, others were taken and do not count.
        counted = torch.cat([torch.ones_like(frame, dtype=torch.bool), taken])
        weights = self._weights(frame, taken, len(labels)).to(dtype)
        share = self.loss_weight / (1 + self.negative_balance) / len(labels)
        return share * (entropies.where(counted, 0.0) * weights).sum()

    def _weights(self, frame: Tensor, taken: Tensor, num_frames: int) -> Tensor:
        """The positives of a frame share a weight of one, all negatives one of b n."""
        ones = torch.ones_like(frame, dtype=torch.float32)
        counts = ones.new_zeros(num_frames).index_add_(0, frame, ones)
        negative = self.negative_balance * num_frames / taken.sum().clamp(min=1)
        return torch.cat([1 / counts[frame], negative.expand(len(taken))])

    @torch.no_grad()
    def _hardest(
        self, logits: Tensor, negative: Tensor, num_positives: int
    ) -> tuple[Tensor, Tensor]:
        """The negatives that are taken: their places in (n * N), and which are ones."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        # -log of the background's probability. It is never below the zero that all
        # other anchors get, which come last so.
        hardness = logits.logsumexp(-1) - logits[..., -1]
        hardness = hardness.where(negative, 0.0).flatten()
        count = min(self.negative_ratio * num_positives, len(hardness))
        index = hardness.topk(count).indices
        return index, negative.flatten()[index]

    def hard_negatives(
        self, logits: Tensor, negative: Tensor, positive: Tensor
    ) -> Tensor:
        """Which of the negatives are taken: (n, N) bool, like the other masks."""
        index, taken = self._hardest(logits, negative, int(positive.sum()))
        chosen = torch.zeros_like(negative.flatten())
        chosen[index] = taken
        return chosen.view_as(negative)
