"""The loss of masks that are blended in the sub-regions of boxes."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from mmvis.registry import MODELS

from .granularity_blender import GranularityBlender

# A NamedTuple of tensors (p, ...), one of which is `frame`.
Instances = TypeVar('Instances', bound=NamedTuple)


@MODELS.register_module()
class GranularityMaskLoss(nn.Module):
    """Binary cross-entropy of masks inside of their boxes (SG-Net, eq. 6).

    The mask loss of Mask R-CNN: the mean over the pixels of a box, and the mean over
    instances, large and small ones alike. It is taken at the size of the base masks.

    Args:
        division (str): 'predicted' or 'ground_truth': the boxes that are divided into
            sub-regions, and outside of which nothing counts. A predicted box that is
            smaller than a pixel of the base masks, as all are when training begins,
            may hold no pixel: the annotated one takes its place, or masks and attention
            would have no gradient until boxes have grown.
        max_samples (int | None): :meth:`sample` leaves at most this many instances of a
            frame, drawn at random. None: all.
        loss_weight (float): Factor to the loss.

    Raises:
        ValueError: On an unknown ``division``.
    """

    def __init__(
        self,
        division: str = 'predicted',
        max_samples: int | None = 64,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if division not in ('predicted', 'ground_truth'):
            raise ValueError(
                f"division must be 'predicted' or 'ground_truth', but is {division!r}."
            )
        self.division = division
        self.max_samples = max_samples
        self.loss_weight = loss_weight

    def sample(self, instances: Instances) -> Instances:
        """The instances that count: at most ``max_samples`` a frame, order kept.

        To draw before their scores are computed saves those of the others.

        Args:
            instances (NamedTuple): Of tensors (p, ...), with a field ``frame`` (p,)
                int64.

        Returns:
            NamedTuple: The same of fewer instances, or of all.
        """
        fields: Any = instances
        frame = fields.frame
        if self.max_samples is None or len(frame) <= self.max_samples:
            return instances
        # All at random, then by frame; the rank in its frame decides.
        order = torch.randperm(len(frame), device=frame.device)
        order = order[frame[order].argsort(stable=True)]
        counts = frame.bincount()
        first = (counts.cumsum(0) - counts)[frame[order]]
        rank = torch.arange(len(frame), device=frame.device) - first
        kept = order[rank < self.max_samples].sort().values
        return fields._make(field[kept] for field in fields)

    def forward(
        self,
        blender: GranularityBlender,
        base_masks: Tensor,
        scores: Tensor,
        frame: Tensor,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_masks: Tensor,
        gt: Tensor,
    ) -> Tensor:
        """The loss of p instances of B frames, all of which count (:meth:`sample`).

        Args:
            blender (GranularityBlender): Makes the masks.
            base_masks (Tensor): (B, K, h, w).
            scores (Tensor): (p, S) attention scores.
            frame (Tensor): (p,) int64, the frame an instance is in.
            bboxes (Tensor): (p, 4) predicted, xyxy in pixels of the padded input. No
                gradient flows into boxes.
            gt_bboxes (Tensor): (p, 4) annotated.
            gt_masks (Tensor): (g, H, W) of zeros and ones, uint8 or bool, of the size
                of the padded input.
            gt (Tensor): (p,) int64, the mask that is an instance's target.

        Returns:
            Tensor: A scalar, float32 at least. Instances without a pixel in their box
            do not count; if there are no others, it is zero, connected with base masks
            and scores.
        """
        chosen = gt_bboxes
        if self.division == 'predicted':
            rows, columns = base_masks.shape[-2:]
            height, width = gt_masks.shape[-2:]
            pixel = bboxes.new_tensor([width / columns, height / rows])
            # A box of a pixel's size holds one's centre, wherever it lies.
            grown = (bboxes[:, 2:] - bboxes[:, :2] >= pixel).all(1, keepdim=True)
            chosen = torch.where(grown, bboxes, gt_bboxes.to(bboxes.dtype))
        pixels = blender.logits(base_masks, scores, frame, chosen, gt_masks.shape[-2:])
        gt_masks = _resized(gt_masks, base_masks.shape[-2:]).flatten()
        index = gt[pixels.instance] * base_masks[0, 0].numel() + pixels.pixel
        costs = binary_cross_entropy_with_logits(
            pixels.logits, gt_masks[index].to(pixels.logits), reduction='none'
        )
        # Unlike bincount, it does not make the host wait for the device.
        counts = pixels.instance.new_zeros(len(scores)).scatter_add_(
            0, pixels.instance, torch.ones_like(pixels.instance)
        )
        # Not used of instances without pixels, where it has no value.
        weights = ((counts > 0).sum() * counts).to(costs.dtype).reciprocal()
        return self.loss_weight * (costs * weights[pixels.instance]).sum()


def _resized(masks: Tensor, size: tuple[int, ...]) -> Tensor:
    """Which pixels of a smaller map masks (g, H, W) cover by more than half."""
    if len(masks) == 0:
        return masks.new_zeros(0, *size, dtype=torch.bool)
    return interpolate(masks[:, None].float(), size, mode='area')[:, 0] > 0.5
