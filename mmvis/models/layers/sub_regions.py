"""Sub-regions of boxes, and the pixels that are in them (SG-Net, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class RegionPixels(NamedTuple):
    """The P pixels that are in n boxes: box by box, row by row.

    A pixel that is in several boxes is there several times.

    Attributes:
        instance (Tensor): (P,) int64, the box.
        pixel (Tensor): (P,) int64, ``y * w + x`` in a map of (h, w).
        region (Tensor): (P,) int64, the sub-region: ``row * r1 + column`` in the grid
            of the box.
    """

    instance: Tensor
    pixel: Tensor
    region: Tensor


def divide_boxes(bboxes: Tensor, max_division: int, region_size: float) -> Tensor:
    """Numbers of sub-regions r1 across and r2 down each box (eq. 1).

    Args:
        bboxes (Tensor): (n, 4) xyxy in pixels of the padded network input.
        max_division (int): The most of one side.
        region_size (float): Longest side of a sub-region below that limit, in pixels.

    Returns:
        Tensor: (n, 2) int64, at least 1; so it is for a side that has no length or is
        not a number.
    """
    sides = (bboxes[:, 2:] - bboxes[:, :2]) / region_size
    return sides.ceil().nan_to_num(nan=1.0).clamp(1, max_division).long()


def region_pixels(
    bboxes: Tensor,
    size: Sequence[int],
    input_shape: Sequence[int],
    max_division: int,
    region_size: float,
) -> RegionPixels:
    """The pixels of a map that are in boxes, and the sub-region of each.

    A pixel is in a box if its centre is, the left and the top side included. The centre
    also tells the sub-region. A box with a side that is not finite has no pixels.

    Args:
        bboxes (Tensor): (n, 4) xyxy in pixels of the padded network input, float32 or
            float64.
        size (Sequence[int]): Height h and width w of the map.
        input_shape (Sequence[int]): Height H and width W of the network input.
        max_division, region_size: See :func:`divide_boxes`.

    Returns:
        RegionPixels: P of them. Their number is the one copy to the host.
    """
    bboxes = bboxes.where(bboxes.isfinite().all(1, keepdim=True), 0.0)
    divisions = divide_boxes(bboxes, max_division, region_size)
    x1, y1, x2, y2 = bboxes.unbind(1)
    across, down = divisions.unbind(1)
    left, width, columns = _divide(x1, x2, across, size[1], input_shape[1] / size[1])
    top, height, rows = _divide(y1, y2, down, size[0], input_shape[0] / size[0])

    # First all rows of all boxes, then all pixels of all rows.
    box = torch.arange(len(bboxes), device=bboxes.device)
    counts = torch.stack([height.sum(), (height * width).sum()])
    num_rows, num_pixels = counts.tolist()
    box = box.repeat_interleave(height, output_size=num_rows)
    y = _positions(height, box) + top[box]
    row = torch.arange(num_rows, device=bboxes.device)
    row = row.repeat_interleave(width[box], output_size=num_pixels)
    instance = box[row]
    x = _positions(width[box], row) + left[instance]
    region = (rows[box, y] * across[box])[row] + columns[instance, x]
    return RegionPixels(instance, (y * size[1])[row] + x, region)


def _divide(
    low: Tensor, high: Tensor, parts: Tensor, length: int, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels of one side of a map in n intervals, each cut into parts alike.

    Returns:
        tuple: First pixel (n,), number of pixels (n,), and the part of every pixel (n,
        length), all int64.
    """
    centers = torch.arange(length, dtype=low.dtype, device=low.device) + 0.5
    centers = centers * scale
    first = torch.searchsorted(centers, low.contiguous())
    count = torch.searchsorted(centers, high.contiguous()) - first
    part = (centers - low[:, None]) / ((high - low) / parts)[:, None]
    last = (parts - 1)[:, None].to(part.dtype)
    part = part.floor().clamp(min=0).minimum(last)
    return first, count.clamp(min=0), part.long()


def _positions(counts: Tensor, group: Tensor) -> Tensor:
    """Positions 0, 1, ... in its group of each of ``counts.sum()`` elements."""
    first = counts.cumsum(0) - counts
    return torch.arange(len(group), device=group.device) - first[group]
