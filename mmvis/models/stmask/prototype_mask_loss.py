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

from mmvis.models.common.constants import constant
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
        frame_on_host: Tensor | None = None,
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
            frame_on_host (Tensor | None): ``frame``, where it is there already: the
                host does not wait for it then.

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
            if frame_on_host is None:
                frame_on_host = frame.cpu()
            rows, stands_for = self._sampled(frame_on_host, len(prototypes))
            if rows is not None:
                frame_on_host = frame_on_host[rows]
                rows = rows.to(frame.device)
                coefficients, boxes, gt, weights = (
                    values[rows] for values in (coefficients, boxes, gt, weights)
                )
            if stands_for is not None:
                weights = weights * stands_for.to(weights)
            # What does not fit is computed once more in the backward pass.
            again = pixels * len(weights) > MAX_PIXELS
            step = max(MAX_PIXELS // pixels, 1)
            for start in range(0, len(weights), step):
                part = slice(start, start + step)
                own = frame_on_host[part].bincount(minlength=len(prototypes)).tolist()
                arguments = (
                    prototypes,
                    coefficients[part],
                    boxes[part],
                    gt_masks,
                    gt[part],
                    input_shape,
                    own,
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
                total = total + (costs * weights[part]).sum()
        return self.loss_weight * total

    def _sampled(
        self, frame: Tensor, num_frames: int
    ) -> tuple[Tensor | None, Tensor | None]:
        """Instances that count, frame by frame, and how many each of them stands for.

        None where they are all, in their order, and where each is one.

        Args:
            frame (Tensor): (p,) int64, on the host.
            num_frames (int): n.
        """
        counts = frame.bincount(minlength=num_frames).tolist()
        rows = frame.argsort(stable=True)
        if self.max_samples is None or max(counts, default=0) <= self.max_samples:
            in_order = bool((frame[1:] >= frame[:-1]).all())
            return None if in_order else rows, None
        parts, stands_for = [], []
        for own in rows.split(counts):
            scale = 1.0
            if len(own) > self.max_samples:
                scale = len(own) / self.max_samples
                own = own[torch.randperm(len(own))[: self.max_samples]]
            parts.append(own)
            stands_for.append(torch.full((len(own),), scale, dtype=torch.float64))
        return torch.cat(parts), torch.cat(stands_for)

    def _costs(
        self,
        prototypes: Tensor,
        coefficients: Tensor,
        boxes: Tensor,
        gt_masks: Tensor,
        gt: Tensor,
        input_shape: tuple[int, int],
        counts: list[int],
    ) -> Tensor:
        """Costs (m,) of instances that come frame by frame, without their weights.

        Args are those of :meth:`forward`, with the boxes that masks are cut at,
        ``gt_masks`` at the resolution of the comparison, and how many instances are of
        each frame.
        """
        targets = gt_masks[gt].to(prototypes.dtype)
        if self.resolution == 'prototype':
            # The same crop, but of the costs: from logits, they have no end at 100.
            if self.coefficient_activation == 'tanh':
                coefficients = coefficients.tanh()
            each = zip(coefficients.split(counts), prototypes.flatten(2), strict=True)
            logits = torch.cat([own @ maps for own, maps in each]).view_as(targets)
            costs = binary_cross_entropy_with_logits(logits, targets, reduction='none')
            costs = crop_masks(costs, boxes, input_shape)
        else:
            masks = assemble_masks(
                prototypes,
                coefficients,
                boxes,
                input_shape,
                self.coefficient_activation,
                counts,
            )
            # Rounding may leave the interpolation outside of [0, 1].
            masks = _resized(masks, targets.shape[-2:]).clamp(0, 1)
            costs = binary_cross_entropy(masks, targets, reduction='none')
        return costs.sum((1, 2)) / self._areas(boxes, targets.shape[-2:], input_shape)

    def _enlarged(self, boxes: Tensor, input_shape: tuple[int, int]) -> Tensor:
        """Boxes grown about their centres, then cut at the borders of the input."""
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        half = (boxes[:, 2:] - boxes[:, :2]) / 2 * self.enlarge
        size = constant(boxes, input_shape[::-1] * 2)
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
        scale = constant(boxes, [shape[1] / input_shape[1], shape[0] / input_shape[0]])
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
