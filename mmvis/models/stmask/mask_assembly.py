"""Masks of instances from prototypes and coefficients, as in Yolact and STMask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvis.models.common.constants import constant


def assemble_masks(
    prototypes: Tensor,
    coefficients: Tensor,
    boxes: Tensor | None,
    input_shape: Sequence[int],
    coefficient_activation: str | None = 'tanh',
    counts: Sequence[int] | None = None,
) -> Tensor:
    """Soft masks of all instances of one frame, or of B frames (STMask, eq. 9).

    Each mask is the sigmoid of a weighted sum of the prototypes, cut at its box. All
    instances of a frame are one matrix product.

    Args:
        prototypes (Tensor): (K, h, w), or (B, K, h, w).
        coefficients (Tensor): (n, K), before their activation.
        boxes (Tensor | None): (n, 4) xyxy in pixels of the padded network input. None
            leaves the masks uncut.
        input_shape (Sequence[int]): Height and width of that input, in pixels.
        coefficient_activation (str | None): 'tanh' as in Yolact, or None for the
            paper's plain product.
        counts (Sequence[int] | None): How many instances each of B frames has.

    Returns:
        Tensor: (n, h, w) in [0, 1], of the wider dtype of the two. It is differentiable
        in prototypes and coefficients, also with n = 0, and not in the boxes.

    Raises:
        ValueError: On an unknown activation.
    """
    if coefficient_activation == 'tanh':
        coefficients = coefficients.tanh()
    elif coefficient_activation is not None:
        raise ValueError(
            "coefficient_activation must be 'tanh' or None, not "
            f'{coefficient_activation!r}.'
        )
    # Prototypes come in half precision out of autocast.
    dtype = torch.promote_types(prototypes.dtype, coefficients.dtype)
    prototypes, coefficients = prototypes.to(dtype), coefficients.to(dtype)
    size = prototypes.shape[-2:]
    if counts is None:
        logits = coefficients @ prototypes.flatten(1)
    else:
        each = zip(coefficients.split(list(counts)), prototypes.flatten(2), strict=True)
        logits = torch.cat([own @ maps for own, maps in each])
    logits = logits.view(-1, *size)
    if boxes is not None:
        # The sigmoid of minus infinity is zero. Two sums in place take a fraction of
        # the time of crop_masks, which makes a new tensor.
        nothing, away = logits.new_zeros(()), logits.new_full((), -torch.inf)
        for inside in _inside(boxes, size, input_shape):
            logits = logits.add_(torch.where(inside, nothing, away))
    return logits.sigmoid_()


def crop_masks(masks: Tensor, boxes: Tensor, input_shape: Sequence[int]) -> Tensor:
    """Masks with zeros outside their boxes.

    Yolact's rule: a box grows by one mask pixel on each side, is not rounded, and holds
    the mask pixels whose index is at least its low and less than its high side. Corners
    in the wrong order are swapped. A box of NaN holds nothing.

    Args:
        masks (Tensor): (n, h, w).
        boxes (Tensor): (n, 4) xyxy in pixels of the padded network input.
        input_shape (Sequence[int]): Height and width of that input, in pixels.

    Returns:
        Tensor: (n, h, w), of the masks' dtype.
    """
    rows, columns = _inside(boxes, masks.shape[-2:], input_shape)
    return masks.where(rows & columns, 0.0)


def _inside(
    boxes: Tensor, size: Sequence[int], input_shape: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Rows (n, h, 1) and columns (n, 1, w) that the boxes hold, bool."""
    first, second = boxes[:, :2], boxes[:, 2:]
    scale = [cells / pixels for cells, pixels in zip(size, input_shape, strict=True)]
    if scale[0] == scale[1]:
        low = torch.minimum(first, second) * scale[0] - 1
        high = torch.maximum(first, second) * scale[0] + 1
    else:
        factor = constant(boxes, scale[::-1])
        low = torch.minimum(first, second) * factor - 1
        high = torch.maximum(first, second) * factor + 1
    pixels = torch.arange(max(size), device=boxes.device, dtype=boxes.dtype)
    rows, columns = (
        (pixels[: size[axis]] >= low[:, 1 - axis, None])
        & (pixels[: size[axis]] < high[:, 1 - axis, None])
        for axis in (0, 1)
    )
    return rows[:, :, None], columns[:, None, :]
