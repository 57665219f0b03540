"""The logarithmic GIoU loss of SG-Net."""

from __future__ import annotations

import torch
from mmdet.models.losses.utils import weighted_loss
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor, nn

from mmvis.registry import MODELS

REDUCTIONS = ('none', 'mean', 'sum')


@MODELS.register_module()
class LogGIoULoss(nn.Module):
    """-ln((1 + GIoU) / 2) of box pairs (Liu et al., CVPR 2021, section 3.4, eq. 5).

    It costs more than 1 - GIoU where boxes fit badly, and is 0 where they are equal.
    For boxes far apart GIoU goes to -1, where the logarithm has no value and its
    gradient no bound. So below u = (1 + GIoU) / 2 = eps the loss goes on as the
    tangent at eps: its derivative to GIoU is never above 1 / (2 eps), and never 0.

    Used like mmdet's ``GIoULoss``, but without its wait for the device.

    Args:
        eps (float): Where the tangent begins, in (0, 1]. Pairs of boxes that overlap
            rarely come so far: at 1e-3 the enclosing box has 500 times the area of
            their union.
        reduction (str): 'none', 'mean' or 'sum'.
        loss_weight (float): Factor to the loss.

    Raises:
        ValueError: If eps or reduction is none of these.
    """

    def __init__(
        self, eps: float = 1e-3, reduction: str = 'mean', loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        if not 0 < eps <= 1:
            raise ValueError(f'eps must be in (0, 1], but is {eps}.')
        _check_reduction(reduction)
        self.eps = eps
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """The loss of n pairs.

        Args:
            pred (Tensor): (n, 4) xyxy of any scale, x1 <= x2 and y1 <= y2. Boxes of no
                area are allowed.
            target (Tensor): Likewise.
            weight (Tensor, optional): (n,), or (n, 4), of which the mean counts.
            avg_factor (float | Tensor, optional): Number by which 'mean' divides the
                sum instead of n.
            reduction_override (str, optional): Takes the place of ``reduction``.

        Returns:
            Tensor: A scalar, or (n,) for 'none'; float32 at least. Zero and connected
            with ``pred`` for n = 0.

        Raises:
            ValueError: If the reduction is unknown, or 'sum' with an avg_factor.
        """
        reduction = reduction_override or self.reduction
        _check_reduction(reduction)
        if weight is not None and weight.dim() > 1:
            weight = weight.mean(-1)
        if reduction == 'mean' and avg_factor is None and not len(pred):
            reduction = 'sum'  # The mean of nothing is not a number.
        dtype = torch.promote_types(pred.dtype, torch.float32)
        return self.loss_weight * _log_giou_loss(
            pred.to(dtype),
            target.to(dtype),
            weight,
            eps=self.eps,
            reduction=reduction,
            avg_factor=avg_factor,
        )


@weighted_loss
def _log_giou_loss(pred: Tensor, target: Tensor, eps: float) -> Tensor:
    """The loss (n,) of each pair."""
    if not len(pred):
        return pred.sum(-1)  # mmdet's GIoU of nothing has no graph.
    giou = bbox_overlaps(pred, target, mode='giou', is_aligned=True)
    u = (1 + giou) / 2
    return (1 - u / eps).relu() - u.clamp(min=eps).log()


def _check_reduction(reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(
            f'reduction must be one of {list(REDUCTIONS)}, but is {reduction!r}.'
        )
