"""The loss of STMask's centerness, which predicts the quality of a box."""

from __future__ import annotations

import torch
from mmdet.models.losses.iou_loss import diou_loss
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from mmvis.registry import MODELS


@MODELS.register_module()
class CenternessLoss(nn.Module):
    """Smooth L1 of centerness to the DIoU of the predicted box with its object.

    The paper has no centerness; the release multiplies the class score by it.

    Args:
        detach_target (bool): Train the centerness only. The release lets the gradient
            reach the box as well, which may then become worse to be easier to judge.
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
            bboxes (Tensor): (p, 4) xyxy in pixels, as predicted.
            gt_bboxes (Tensor): (p, 4) xyxy in pixels, as annotated.
            weights (Tensor): (p,); those of a frame sum to one.
            num_frames (int): n, with the frames that have no positive anchor.

        Returns:
            Tensor: A scalar, float32 at least; zero and connected for p = 0.
        """
        dtype = torch.promote_types(centerness.dtype, torch.float32)
        quality = 1 - diou_loss(bboxes.to(dtype), gt_bboxes.to(dtype), reduction='none')
        if self.detach_target:
            quality = quality.detach()
        cost = smooth_l1_loss(centerness.to(dtype), quality, reduction='none')
        return self.loss_weight / num_frames * (weights.to(dtype) * cost).sum()
