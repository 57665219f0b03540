"""Masks of instances from prototypes and coefficients, as in Yolact and STMask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def assemble_masks(
    prototypes: Tensor,
    coefficients: Tensor,
    boxes: Tensor | None,
    input_shape: Sequence[int],
    coefficient_activation: str | None = 'tanh',
) -> Tensor:
    """Soft masks of all instances of one frame (STMask, eq. 9).

    Each mask is the sigmoid of a weighted sum of the prototypes, cut at its box. All
    instances are one matrix product.

    Args:
        prototypes (Tensor): (K, h, w).
        coefficients (Tensor): (n, K), before their activation.
        boxes (Tensor | None): (n, 4) xyxy in pixels of the padded network input. None
            leaves the masks uncut.
        input_shape (Sequence[int]): Height and width of that input, in pixels.
        coefficient_activation (str | None): 'tanh' as in Yolact, or None for the
            paper's plain product.

    Returns:
        Tensor: (n, h, w) in [0, 1], floating point. It is differentiable in prototypes
        and coefficients, also with n = 0, and not in the boxes.

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
    height, width = prototypes.shape[-2:]
    masks = (coefficients @ prototypes.flatten(1)).sigmoid()
    masks = masks.view(-1, height, width)
    return masks if boxes is None else crop_masks(masks, boxes, input_shape)


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
    height, width = masks.shape[-2:]
    x1, y1, x2, y2 = boxes.detach().unbind(1)
    columns = _inside(x1, x2, width, width / input_shape[1])
    rows = _inside(y1, y2, height, height / input_shape[0])
    # Unlike a product, this also cuts what is not a number.
    return masks.where(rows[:, :, None] & columns[:, None, :], 0.0)


def _inside(first: Tensor, second: Tensor, length: int, scale: float) -> Tensor:
    """Which pixels of one side the intervals (n,) hold: (n, length) bool."""
    low = torch.minimum(first, second) * scale - 1
    high = torch.maximum(first, second) * scale + 1
    pixels = torch.arange(length, device=first.device, dtype=first.dtype)
    return (pixels >= low[:, None]) & (pixels < high[:, None])
