"""Sub-regions of boxes, and the pixels that are in them (SG-Net, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

# Pixels of a run. More are computed in vain at the sides of sub-regions, fewer need
# more indices.
RUN = 16


class RegionRuns(NamedTuple):
    """S runs of pixels that n boxes are made of.

    Each row of a map is cut into runs of 16 pixels, the last one of which may reach
    over the map. A box has those that its sub-regions touch: a run that reaches into
    several sub-regions is there for each of them. All runs of a box come together.

    Attributes:
        instance (Tensor): (S,) int64, the box.
        run (Tensor): (S,) int64, the run of the map: row by row.
        region (Tensor): (S,) int64, the sub-region: ``row * r1 + column`` in the grid
            of the box.
        inside (Tensor): (S, 16) bool, which of its pixels are in this sub-region.
    """

    instance: Tensor
    run: Tensor
    region: Tensor
    inside: Tensor


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


def region_runs(
    bboxes: Tensor,
    size: Sequence[int],
    input_shape: Sequence[int],
    max_division: int,
    region_size: float,
) -> RegionRuns:
    """The runs of a map's pixels that are in boxes, and the sub-region of each.

    A pixel is in a box if its centre is, the left and the top side included. The centre
    also tells the sub-region. A box with a side that is not finite has no pixels.

    Args:
        bboxes (Tensor): (n, 4) xyxy in pixels of the padded network input, float32 or
            float64.
        size (Sequence[int]): Height h and width w of the map.
        input_shape (Sequence[int]): Height H and width W of the network input.
        max_division, region_size: See :func:`divide_boxes`.

    Returns:
        RegionRuns: S of them. Their number is the one copy to the host.
    """
    height, width = size
    num_runs = -(-width // RUN)
    bboxes = bboxes.where(bboxes.isfinite().all(1, keepdim=True), 0.0)
    divisions = divide_boxes(bboxes, max_division, region_size)
    in_column, column = _divide_side(
        bboxes[:, 0::2], divisions[:, 0], num_runs * RUN, input_shape[1] / width
    )
    in_column[:, width:] = False
    in_row, row = _divide_side(
        bboxes[:, 1::2], divisions[:, 1], height, input_shape[0] / height
    )

    # What is in column c of a box's grid, of each run of a row: (n, runs, c, RUN).
    numbers = torch.arange(max_division, device=bboxes.device)
    inside = column.view(-1, num_runs, 1, RUN) == numbers[:, None]
    inside &= in_column.view(-1, num_runs, 1, RUN)
    # These are strips as high as the box. All their rows, one strip after the other:
    num_strips = num_runs * max_division
    counts = (inside.any(3) * in_row.sum(1)[:, None, None]).flatten()
    strip = torch.repeat_interleave(counts)
    instance = torch.div(strip, num_strips, rounding_mode='floor')
    # The first row of a box follows those above of all strips before.
    above = in_row.long().argmax(1)
    shift = above.repeat_interleave(num_strips) - counts.cumsum(0) + counts
    y = torch.arange(len(strip), device=bboxes.device) + shift[strip]
    position = strip - instance * num_strips
    run = y * num_runs + torch.div(position, max_division, rounding_mode='floor')
    region = row[instance, y] * divisions[instance, 0] + position % max_division
    return RegionRuns(instance, run, region, inside.flatten(0, 2)[strip])


def cut_into_runs(maps: Tensor) -> Tensor:
    """Maps (..., h, w) as runs (..., M, 16), row by row; zeros beyond the maps."""
    if maps.shape[-1] % RUN:
        maps = pad(maps, (0, -maps.shape[-1] % RUN))
    return maps.unflatten(-1, (-1, RUN)).flatten(-3, -2)


def join_runs(runs: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (..., h, w) of all their runs (..., M, 16): not of those of a box."""
    height, width = size
    return runs.unflatten(-2, (height, -1)).flatten(-2)[..., :width]


def _divide_side(
    sides: Tensor, parts: Tensor, length: int, scale: float
) -> tuple[Tensor, Tensor]:
    """Which pixels of one side of a map are in n intervals, each cut into equal parts.

    Args:
        sides (Tensor): (n, 2) low and high.
        parts (Tensor): (n,) int64.
        length (int): Pixels of the side of the map.
        scale (float): Length of a pixel.

    Returns:
        tuple[Tensor, Tensor]: Inside or not, bool, and the part, int64, both (n,
        length).
    """
    centers = torch.arange(length, dtype=sides.dtype, device=sides.device) + 0.5
    centers = centers * scale
    low, high = sides[:, :1], sides[:, 1:]
    part = (centers - low) / ((high - low) / parts[:, None])
    part = part.floor().clamp(min=0).minimum(parts[:, None] - 1.0)
    return (centers >= low) & (centers < high), part.long()
