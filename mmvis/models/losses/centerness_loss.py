"""The loss of STMask's centerness, which predicts the quality of a box."""

from __future__ import annotations

from mmdet.models.losses.iou_loss import diou_loss
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from mmvis.registry import MODELS


@MODELS.register_module()
class CenternessLoss(nn.Module):
    """Smooth L1 of centerness to the DIoU of the predicted box with its object.

    Args:
        detach_target (bool): Train the centerness only. The release lets the gradient
            reach the box as well.
        loss_weight (float): Factor to the loss.
    """

    def __init__(self, detach_target: bool = True, loss_weight: float = 20.0) -> None:
        super().__init__()
        self.detach_target = detach_target
        self.loss_weight = loss_weight

    def forward(
        self,
        centerness: Tensor,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        weights: Tensor,
        num_frames: int,
    ) -> Tensor:
        """The loss of p positive anchors in n frames.

        Args:
            centerness (Tensor): (p,) in [-1, 1].
            bboxes, gt_bboxes (Tensor): (p, 4) xyxy, predicted and annotated.
            weights (Tensor): (p,), to sum to one in each frame.
            num_frames (int): n.
        """
        quality = 1 - diou_loss(bboxes, gt_bboxes, reduction='none')
        if self.detach_target:
            quality = quality.detach()
        cost = smooth_l1_loss(centerness, quality, reduction='none')
        return self.loss_weight / num_frames * (weights * cost).sum()
