"""Pixels grouped by the centres that they point to, and means over such groups.

An identity map is (h, w) int64: 0 for background, m + 1 for the pixels of centre m.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

# Distances from pixels to centres that are computed at a time: 2 MB.
CHUNK_DISTANCES = 2**19
# Pixels that are summed at a time.
CHUNK_PIXELS = 2**16
# Times as many on a device that has no small cache, and waits for each step.
ON_DEVICE = 2**5


def pixel_positions(height: int, width: int, stride: int, like: Tensor) -> Tensor:
    """The middle (2, h, w) x, y of each pixel of a map, in pixels of the input.

    Of the device and dtype of ``like``.
    """
    y, x = (
        (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) * stride
        for side in (height, width)
    )
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def group_pixels(
    centers: Tensor, offsets: Tensor, foreground: Tensor, stride: int
) -> Tensor:
    """Give each foreground pixel the centre closest to where it points (eq. 4).

    The distances to all centres are computed together, for so many pixels at a time
    that the memory does not depend on the number of centres.

    Args:
        centers (Tensor): (m, 2) x, y in pixels of the network input.
        offsets (Tensor): (2, h, w) x, y from each pixel to its centre, in pixels of the
            input. A pixel whose offset is not finite is background.
        foreground (Tensor): (h, w) bool.
        stride (int): Of the maps.

    Returns:
        Tensor: The identity map (h, w) int64. Of centres at the same distance the first
        is taken.
    """
    one = offsets[None], foreground[None]
    return group_pixels_of_frames(centers, [len(centers)], *one, stride)[0]


def group_pixels_of_frames(
    centers: Tensor,
    counts: Sequence[int],
    offsets: Tensor,
    foreground: Tensor,
    stride: int,
) -> Tensor:
    """:func:`group_pixels` of T frames, whose centres are counted through all of them.

    Args:
        centers (Tensor): (m, 2), frame by frame.
        counts (Sequence[int]): How many are of each frame.
        offsets (Tensor): (T, 2, h, w).
        foreground (Tensor): (T, h, w) bool.
        stride (int): Of the maps.

    Returns:
        Tensor: (T, h, w) int64.
    """
    dtype = torch.promote_types(offsets.dtype, torch.float32)
    offsets, centers = offsets.detach().to(dtype), centers.detach().to(dtype)
    if len(centers) == 0:
        return torch.zeros_like(foreground, dtype=torch.long)
    height, width = offsets.shape[2:]
    positions = pixel_positions(height, width, stride, offsets)
    targets = (offsets + positions).flatten(2)
    centers, first = _side_by_side(centers, counts)
    at_once = _at_once(CHUNK_DISTANCES, offsets)
    parts = targets.split(max(at_once // centers[..., 0].numel(), 1), dim=2)
    # A product of matrices would be quicker for many centres, but lose digits.
    nearest = torch.cat([_nearest(centers, *part.unbind(1)) for part in parts], 1)
    grouped = foreground & targets.isfinite().all(1).view(foreground.shape)
    return (nearest + first).view(foreground.shape) * grouped


def _side_by_side(
    centers: Tensor, counts: Sequence[int]
) -> tuple[Tensor, Tensor | int]:
    """Centres (T, n, 2) of each frame, those that it lacks at infinity.

    And the number (T, 1) of its first one, counted from one; where a frame has none,
    what makes a background of the place that is nearest then.
    """
    if len(counts) == 1:
        return centers[None], 1
    # Computed on the host, and copied once.
    most, none = max(counts), len(centers)
    starts = torch.tensor([0, *accumulate(counts)][:-1])
    number = torch.tensor(counts)
    step = torch.arange(most)
    row = (starts[:, None] + step).where(step < number[:, None], none)
    first = (starts + 1).where(number > 0, 0)
    table = torch.cat([row, first[:, None]], dim=1).to(centers.device)
    beyond = centers.new_full((1, 2), torch.inf)
    return torch.cat([centers, beyond])[table[:, :-1]], table[:, -1:]


def _at_once(number: int, like: Tensor) -> int:
    return number if like.device.type == 'cpu' else number * ON_DEVICE


def _nearest(centers: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The first of the centres (T, n, 2) closest to each place (T, p)."""
    x, y = x[:, None] - centers[..., :1], y[:, None] - centers[..., 1:]
    return torch.addcmul(x.square_(), y, y).argmin(1)


def group_sizes(id_map: Tensor, num: int) -> Tensor:
    """Pixels (num,) int64 of each of the instances of an identity map."""
    ids = id_map.flatten()
    sizes = ids.new_zeros(num + 1)
    # Unlike bincount, it does not make the host wait for the device.
    return sizes.scatter_add_(0, ids, ids.new_ones(1).expand(ids.shape))[1:]


def instance_means(values: Tensor, id_map: Tensor, num: int) -> Tensor:
    """Means over the pixels of each instance, of all instances at once.

    Args:
        values (Tensor): (d, h, w).
        id_map (Tensor): (h, w), the identity map.
        num (int): Instances in the identity map.

    Returns:
        Tensor: (num, d), float32 or wider; 0 for an instance without a pixel.
    """
    dtype = torch.promote_types(values.dtype, torch.float32)
    at_once = _at_once(CHUNK_PIXELS, values)
    parts = (t.flatten(-2).split(at_once, -1) for t in (values.detach(), id_map))
    # In single precision 100,000 equal offsets of 300.3 would sum to 300 each.
    sums = values.new_zeros(len(values), num + 1, dtype=torch.float64)
    for part, ids in zip(*parts, strict=True):
        sums.scatter_add_(1, ids.expand(len(values), -1), part.double())
    sizes = group_sizes(id_map, num).clamp(min=1)
    return (sums[:, 1:] / sizes).t().to(dtype)
