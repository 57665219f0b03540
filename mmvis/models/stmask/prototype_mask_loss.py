"""The loss of masks that are made of prototypes and coefficients."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    interpolate,
)
from torch.utils.checkpoint import checkpoint

from mmvis.registry import MODELS

from .mask_assembly import assemble_masks, crop_masks

# Pixels of all masks whose intermediate values are held at a time: 64 MB for each of
# about six tensors.
MAX_PIXELS = 2**24


@MODELS.register_module()
class PrototypeMaskLoss(nn.Module):
    """Binary cross-entropy of an instance's mask inside its box, by the box's area.

    Yolact's way, the default: the cross-entropy at the resolution of the prototypes,
    cut at the annotated box. The release's (``crop='predicted', enlarge=1.2,
    resolution='input'``): masks are cut at the predicted box, enlarged, brought to the
    size of the input and compared there, so that pixels of the object outside of the
    box cost the most that a pixel can: 100, where torch ends the logarithm.

    It serves the masks of a frame (eq. 9) and those carried to the next frame (eq. 14).

    Args:
        crop (str): 'ground_truth' or 'predicted': the box that masks are cut at, and
            whose area they are divided by. No gradient flows into it.
        enlarge (float): Factor to the sides of the predicted box.
        resolution (str): 'prototype' or 'input'.
        least_side (float): A box's sides count as at least this many pixels of the
            resolution. A box of no area counts as one pixel in any case.
        coefficient_activation (str | None): 'tanh' or None; STMask sets it to
            its own.
        max_samples (int | None): At most this many instances a frame, drawn at random,
            which then stand for all of them. None: all.
        loss_weight (float): Factor to the loss.

    Raises:
        ValueError: On an unknown value of ``crop`` or ``resolution``.
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
            gt_masks (Tensor): (g, H, W) of zeros and ones, of the size of the padded
                input; uint8 takes the least memory.
            gt (Tensor): (p,) int64, the mask that is an instance's target.
            weights (Tensor): (p,).

        Returns:
            Tensor: A scalar, float32 at least; zero for p = 0, and connected with
            prototypes and coefficients in any case.
        """
        with torch.autocast(prototypes.device.type, enabled=False):
            dtype = torch.promote_types(prototypes.dtype, torch.float32)
            prototypes = prototypes.to(dtype)
            coefficients = coefficients.to(dtype)
            height, width = gt_masks.shape[-2:]
            input_shape = height, width
            boxes = gt_bboxes.detach().to(dtype)
            if self.crop == 'predicted':
                boxes = self._enlarged(bboxes.detach().to(dtype), input_shape)
            if self.resolution == 'prototype':
                gt_masks = _resized(gt_masks.to(dtype), prototypes.shape[-2:]) > 0.5
            # Sums over nothing: connected, and zero whatever the values are.
            total = prototypes[:0].sum() + coefficients[:0].sum()
            pixels = gt_masks.shape[-2] * gt_masks.shape[-1]
            parts = self._parts(frame, len(prototypes), pixels)
            # What does not fit is computed once more in the backward pass.
            again = pixels * sum(len(rows) for _, rows, _ in parts) > MAX_PIXELS
            for index, rows, scale in parts:
                arguments = (
                    prototypes[index],
                    coefficients[rows],
                    boxes[rows],
                    gt_masks,
                    gt[rows],
                    input_shape,
                )
                if again:
                    costs = checkpoint(
                        self._costs,
                        *arguments,
                        use_reentrant=False,
                        preserve_rng_state=False,
                    )
                else:
                    costs = self._costs(*arguments)
                total = total + scale * (costs * weights[rows]).sum()
        return self.loss_weight * total

    def _parts(
        self, frame: Tensor, num_frames: int, pixels: int
    ) -> list[tuple[int, Tensor, float]]:
        """What is computed at a time: some instances of one frame.

        Args:
            frame (Tensor): (p,) int64.
            num_frames (int): n. Each frame has prototypes of its own.
            pixels (int): Of one mask.

        Returns:
            list[tuple]: The frame, the instances (m,), and how many each of them
            stands for.
        """
        # One copy to the host for all frames.
        counts = frame.bincount(minlength=num_frames).tolist()
        parts = []
        for index, rows in enumerate(frame.argsort(stable=True).split(counts)):
            scale = 1.0
            if self.max_samples is not None and len(rows) > self.max_samples:
                scale = len(rows) / self.max_samples
                order = torch.randperm(len(rows), device=rows.device)
                rows = rows[order[: self.max_samples]]
            if len(rows):
                chunks = rows.split(max(MAX_PIXELS // pixels, 1))
                parts += [(index, chunk, scale) for chunk in chunks]
        return parts

    def _costs(
        self,
        prototypes: Tensor,
        coefficients: Tensor,
        boxes: Tensor,
        gt_masks: Tensor,
        gt: Tensor,
        input_shape: tuple[int, int],
    ) -> Tensor:
        """Costs (m,) of one frame's instances, without their weights.

        Args are those of :meth:`forward`, with prototypes (K, h, w), the boxes that
        masks are cut at, and ``gt_masks`` at the resolution of the comparison.
        """
        targets = gt_masks[gt].to(prototypes.dtype)
        if self.resolution == 'prototype':
            # The same crop, but of the costs: from logits, they have no end at 100.
            if self.coefficient_activation == 'tanh':
                coefficients = coefficients.tanh()
            logits = (coefficients @ prototypes.flatten(1)).view_as(targets)
            costs = binary_cross_entropy_with_logits(logits, targets, reduction='none')
            costs = crop_masks(costs, boxes, input_shape)
        else:
            masks = assemble_masks(
                prototypes,
                coefficients,
                boxes,
                input_shape,
                self.coefficient_activation,
            )
            # Rounding may leave the interpolation outside of [0, 1].
            masks = _resized(masks, targets.shape[-2:]).clamp(0, 1)
            costs = binary_cross_entropy(masks, targets, reduction='none')
        return costs.sum((1, 2)) / self._areas(boxes, targets.shape[-2:], input_shape)

    def _enlarged(self, boxes: Tensor, input_shape: tuple[int, int]) -> Tensor:
        """Boxes grown about their centres, then cut at the borders of the input."""
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        half = (boxes[:, 2:] - boxes[:, :2]) / 2 * self.enlarge
        size = boxes.new_tensor(input_shape[::-1] * 2)
        # Not quite at zero, as in the release.
        return (
            torch.cat([centre - half, centre + half], 1)
            .minimum(size)
            .maximum(size * 1e-5)
        )

    def _areas(
        self, boxes: Tensor, shape: tuple[int, ...], input_shape: tuple[int, int]
    ) -> Tensor:
        """Areas (p,) of boxes in pixels of the compared masks."""
        scale = boxes.new_tensor([shape[1] / input_shape[1], shape[0] / input_shape[0]])
        sides = ((boxes[:, 2:] - boxes[:, :2]) * scale).clamp(min=self.least_side)
        areas = sides.prod(1)
        return areas.where(areas != 0, 1.0)


def _resized(masks: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Masks (p, h, w) brought to another size; p = 0 works as well."""
    if tuple(masks.shape[-2:]) == tuple(shape):
        return masks
    if len(masks) == 0:
        return masks.new_zeros(0, *shape)
    return interpolate(masks[:, None], shape, mode='bilinear')[:, 0]
