"""Pixels grouped by the centres that they point to, and means over such groups.

An identity map is (h, w) int64: 0 for background, m + 1 for the pixels of centre m.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Distances from pixels to centres that are computed at a time: 2 MB.
CHUNK_DISTANCES = 2**19
# Pixels that are summed at a time.
CHUNK_PIXELS = 2**16


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
    dtype = torch.promote_types(offsets.dtype, torch.float32)
    offsets, centers = offsets.detach().to(dtype), centers.detach().to(dtype)
    shape = offsets.shape[1:]
    if len(centers) == 0:
        return torch.zeros(shape, dtype=torch.long, device=offsets.device)
    height, width = shape
    positions = pixel_positions(height, width, stride, offsets)
    targets = (offsets + positions).flatten(1)
    parts = targets.split(max(CHUNK_DISTANCES // len(centers), 1), dim=1)
    # A product of matrices would be quicker for many centres, but lose digits.
    nearest = torch.cat([_nearest(centers, *part) for part in parts]).view(shape)
    grouped = foreground & targets.isfinite().all(0).view(shape)
    return (nearest + 1) * grouped


def _nearest(centers: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The first of the centres (m, 2) closest to each place (p,)."""
    x, y = x - centers[:, :1], y - centers[:, 1:]
    return torch.addcmul(x.square_(), y, y).argmin(0)


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
    parts = (t.flatten(-2).split(CHUNK_PIXELS, -1) for t in (values.detach(), id_map))
    # In single precision 100,000 equal offsets of 300.3 would sum to 300 each.
    sums = values.new_zeros(len(values), num + 1, dtype=torch.float64)
    for part, ids in zip(*parts, strict=True):
        sums.scatter_add_(1, ids.expand(len(values), -1), part.double())
    sizes = group_sizes(id_map, num).clamp(min=1)
    return (sums[:, 1:] / sizes).t().to(dtype)
