"""Boxes of regressions as mmdet's coder decodes them, with less to launch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor

from .constants import kept_constant

# mmdet's wh_ratio_clip, which no caller of it changes.
MOST_GROWTH = abs(math.log(16 / 1000))


def decode_deltas(
    coder: Any, priors: Tensor, deltas: Tensor, max_shape: Sequence[int]
) -> Tensor:
    """What a coder's ``decode`` gives, in single precision to the last bit.

    mmdet's copies means and stds to the device at each call, and multiplies by four of
    them. Where x and y, and width and height, have one each, that are two numbers.

    Args:
        coder (DeltaXYWHBBoxCoder): Another one, or one of other settings, decodes by
            itself.
        priors (Tensor): (n, 4) xyxy.
        deltas (Tensor): (n, 4 * classes).
        max_shape (Sequence[int]): Height and width of the frame, in pixels.

    Returns:
        Tensor: (n, 4 * classes) xyxy.
    """
    if not _is_plain(coder):
        return coder.decode(priors, deltas, max_shape=max_shape)
    boxes = boxes_of(priors[:, None], deltas.unflatten(1, (-1, 4)), coder, MOST_GROWTH)
    if coder.clip_border:
        height, width = max_shape[:2]
        corners = kept_constant(boxes, [0, 0, 0, 0, width, height, width, height])
        boxes.clamp_(*corners.split(4))
    return boxes.flatten(1)


def is_even(coder: DeltaXYWHBBoxCoder) -> bool:
    """Whether a coder has no means, and one std for places and one for sizes."""
    x, y, width, height = coder.stds
    return not any(coder.means) and x == y and width == height


def boxes_of(
    priors: Tensor, deltas: Tensor, coder: DeltaXYWHBBoxCoder, most_growth: float
) -> Tensor:
    """Boxes (..., 4) xyxy, not clipped, of deltas and of priors that fit them.

    Args:
        priors, deltas (Tensor): (..., 4).
        coder (DeltaXYWHBBoxCoder): Its stds count; :func:`is_even`.
        most_growth (float): Of the logarithm of a side.
    """
    low, high = priors.split(2, dim=-1)
    moved, grown = deltas.split(2, dim=-1)
    extent = high - low
    # Halves are exact, so that it is the same in whichever step they are taken.
    center = torch.add(extent * (moved * coder.stds[0]), low + high, alpha=0.5)
    size = extent * (grown * coder.stds[2]).clamp(-most_growth, most_growth).exp()
    sides = [torch.add(center, size, alpha=side) for side in (-0.5, 0.5)]
    return torch.cat(sides, dim=-1)


def _is_plain(coder: Any) -> bool:
    return (
        type(coder) is DeltaXYWHBBoxCoder
        and is_even(coder)
        and not coder.add_ctr_clamp
        and not coder.use_box_type
    )
