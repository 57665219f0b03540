"""The loss of masks that are made of prototypes and coefficients."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    interpolate,
)

from mmvis.models.layers.mask_assembly import assemble_masks, crop_masks
from mmvis.registry import MODELS


@MODELS.register_module()
class PrototypeMaskLoss(nn.Module):
    """Binary cross-entropy of an instance's mask inside its box, by the box's area.

    Yolact's way, the default: the cross-entropy at the resolution of the prototypes,
    inside the annotated box. The release's: masks are cut at the predicted box,
    enlarged, brought to the size of the input and compared there, so that pixels of the
    object outside of the box cost the most that a pixel can.

    Args:
        crop (str): 'ground_truth' or 'predicted': the box that masks are cut at.
        enlarge (float): Factor to the sides of the predicted box.
        resolution (str): 'prototype' or 'input'.
        least_side (float): A box's sides count as at least this many pixels.
        coefficient_activation (str | None): As in the model.
        max_samples (int | None): At most this many instances a frame, drawn at random,
            whose loss then stands for all of them.
        loss_weight (float): Factor to the loss.
    """

    def __init__(
        self,
        crop: str = 'ground_truth',
        enlarge: float = 1.0,
        resolution: str = 'prototype',
        least_side: float = 1.0,
        coefficient_activation: str | None = 'tanh',
        max_samples: int | None = None,
        loss_weight: float = 6.125,
    ) -> None:
        super().__init__()
        if crop not in ('ground_truth', 'predicted'):
            raise ValueError(
                f"crop must be 'ground_truth' or 'predicted', but is {crop!r}."
            )
        if resolution not in ('prototype', 'input'):
            raise ValueError(
                f"resolution must be 'prototype' or 'input', but is {resolution!r}."
            )
        self.crop = crop
        self.enlarge = enlarge
        self.resolution = resolution
        self.least_side = least_side
        self.coefficient_activation = coefficient_activation
        self.max_samples = max_samples
        self.loss_weight = loss_weight

    def forward(
        self,
        prototypes: Tensor,
        coefficients: Tensor,
        frame: Tensor,
        bboxes: Tensor,
        gt_bboxes: Tensor,
        gt_masks: Tensor,
        gt: Tensor,
        weights: Tensor,
    ) -> Tensor:
        """The weighted sum over p instances in n frames.

        Args:
            prototypes (Tensor): (n, K, h, w).
            coefficients (Tensor): (p, K), before their activation.
            frame (Tensor): (p,) int64, the frame an instance is in.
            bboxes (Tensor): (p, 4) predicted, xyxy in pixels of the padded input.
            gt_bboxes (Tensor): (p, 4) annotated.
            gt_masks (Tensor): (g, H, W) uint8, of the size of the padded input.
            gt (Tensor): (p,) int64, the mask that is an instance's target.
            weights (Tensor): (p,).
        """
        total = prototypes.sum() * 0 + coefficients.sum() * 0
        boxes = gt_bboxes if self.crop == 'ground_truth' else bboxes
        input_shape = tuple(gt_masks.shape[-2:])
        boxes = self._enlarged(boxes.detach().float(), input_shape)
        if self.resolution == 'prototype':
            gt_masks = _resized(gt_masks.float(), prototypes.shape[-2:]) > 0.5
        # By frames, of which there are few: each has prototypes of its own.
        with torch.autocast(prototypes.device.type, enabled=False):
            for index, maps in enumerate(prototypes.float()):
                rows = (frame == index).nonzero().squeeze(1)
                if len(rows) == 0:
                    continue
                rows, scale = self._draw(rows)
                costs = self._pixel_costs(
                    maps,
                    coefficients[rows].float(),
                    boxes[rows],
                    gt_masks[gt[rows]].float(),
                    input_shape,
                )
                areas = self._areas(boxes[rows], costs.shape[-2:], input_shape)
                costs = costs.sum((1, 2)) / areas
                total = total + scale * (costs * weights[rows]).sum()
        return self.loss_weight * total

    def _enlarged(self, boxes: Tensor, input_shape: tuple[int, int]) -> Tensor:
        if self.crop == 'ground_truth':
            return boxes
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        half = (boxes[:, 2:] - boxes[:, :2]) / 2 * self.enlarge
        size = boxes.new_tensor(input_shape[::-1] * 2)
        # Not quite zero, as in the release.
        return (
            torch.cat([centre - half, centre + half], 1)
            .clamp(min=0)
            .minimum(size)
            .maximum(size * 1e-5)
        )

    def _draw(self, rows: Tensor) -> tuple[Tensor, float]:
        """Some of a frame's instances, and how many each of them stands for."""
        if self.max_samples is None or len(rows) <= self.max_samples:
            return rows, 1.0
        order = torch.randperm(len(rows), device=rows.device)[: self.max_samples]
        return rows[order], len(rows) / self.max_samples

    def _pixel_costs(
        self,
        prototypes: Tensor,
        coefficients: Tensor,
        boxes: Tensor,
        targets: Tensor,
        input_shape: tuple[int, int],
    ) -> Tensor:
        """Cross-entropies (p, h, w) of one frame's instances with targets (p, h, w)."""
        if self.resolution == 'prototype':
            if self.coefficient_activation == 'tanh':
                coefficients = coefficients.tanh()
            logits = (coefficients @ prototypes.flatten(1)).view_as(targets)
            costs = binary_cross_entropy_with_logits(logits, targets, reduction='none')
            return crop_masks(costs, boxes, input_shape)
        masks = assemble_masks(
            prototypes, coefficients, boxes, input_shape, self.coefficient_activation
        )
        masks = _resized(masks, targets.shape[-2:]).clamp(0, 1)
        return binary_cross_entropy(masks, targets, reduction='none')

    def _areas(
        self, boxes: Tensor, shape: tuple[int, int], input_shape: tuple[int, int]
    ) -> Tensor:
        """(p,) areas of boxes in pixels of the compared masks."""
        sides = (boxes[:, 2:] - boxes[:, :2]) * boxes.new_tensor(
            [shape[1] / input_shape[1], shape[0] / input_shape[0]]
        )
        return sides.clamp(min=self.least_side).prod(1)


def _resized(masks: Tensor, shape: tuple[int, int]) -> Tensor:
    if len(masks) == 0 or tuple(masks.shape[-2:]) == tuple(shape):
        return masks.new_zeros(len(masks), *shape) if len(masks) == 0 else masks
    return interpolate(masks[:, None], shape, mode='bilinear')[:, 0]
