"""Operators of mmvis as sums of those that every runtime has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, grid_sample, pad


def sampled_convolution(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    modulation: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
) -> Tensor:
    """A deformable convolution by GridSample: one sampled map a tap, one product.

    Args are those of :func:`deformable_convolution`. Samples further than a cell
    outside read zeros, as there.
    """
    sampling = (stride, padding, dilation)
    if modulation is None and projects_first(weight, stride):
        products, offsets, ones = projected(features, offsets, weight, *sampling)
        count = weight[0, 0].numel()
        # One GridSample: each tap's map and places as a frame of its own.
        maps = products.unflatten(1, (count, -1)).flatten(0, 1)
        shifts = offsets.unflatten(1, (count, 2)).flatten(0, 1)
        identity = ones[:, : len(weight)]
        out = sampled_convolution(maps, shifts, identity)
        out = out.unflatten(0, (-1, count)).sum(1)
        return out if bias is None else out + bias[:, None, None]
    height, width = features.shape[-2:]
    rows, columns = offsets.shape[-2:]
    options: dict[str, Any] = dict(dtype=offsets.dtype, device=offsets.device)
    y = (torch.arange(rows, **options) * stride[0] - padding[0])[:, None]
    x = torch.arange(columns, **options) * stride[1] - padding[1]
    taps = []
    for tap in range(weight.shape[2] * weight.shape[3]):
        down, right = divmod(tap, weight.shape[3])
        at_y = y + down * dilation[0] + offsets[:, 2 * tap]
        at_x = x + right * dilation[1] + offsets[:, 2 * tap + 1]
        # From cells to GridSample's [-1, 1] between the outer borders of the map.
        grid = torch.stack(
            [(at_x * 2 + 1) / width - 1, (at_y * 2 + 1) / height - 1], dim=-1
        )
        sample = grid_sample(features, grid.clamp(-9, 9), align_corners=False)
        if modulation is not None:
            sample = sample * modulation[:, tap : tap + 1]
        taps.append(sample)
    columns_of_taps = torch.stack(taps, dim=2).flatten(1, 2).flatten(2)
    out = weight.flatten(1) @ columns_of_taps
    if bias is not None:
        out = out + bias[:, None]
    return out.unflatten(2, (rows, columns))


def projects_first(weight: Tensor, stride: Sequence[int]) -> bool:
    """Whether products with each tap of a kernel are fewer numbers than its samples."""
    return (
        weight[0, 0].numel() > 1
        and len(weight) < weight.shape[1]
        and set(stride) == {1}
    )


def projected(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> tuple[Tensor, Tensor, Tensor]:
    """A deformable convolution as one of kernel 1 over products with its taps.

    Sampling is linear, as the product is: what comes first has the smaller result.

    Returns:
        tuple: Products (B, taps * O, H, W); offsets (B, 2 * taps, H', W') of each tap's
        own O channels from the place itself; the weight (O, taps * O, 1, 1), which sums
        over taps.
    """
    outputs, channels, height, width = weight.shape
    taps = height * width
    kernels = weight.flatten(2).permute(2, 0, 1).reshape(taps * outputs, channels, 1, 1)
    reach = [
        steps[axis] * dilation[axis] - padding[axis]
        for tap in range(taps)
        for steps in (divmod(tap, width),)
        for axis in (0, 1)
    ]
    moved = offsets + torch.tensor(reach).to(offsets)[:, None, None]
    ones = torch.eye(outputs).to(weight).repeat(1, taps)[..., None, None]
    return conv2d(features, kernels), moved, ones


def shifted_correlation(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """``local_correlation`` as products of one map with shifts of the other.

    Args and result are those of :func:`local_correlation`.
    """
    radius = patch_size // 2
    height, width = first.shape[-2:]
    padded = pad(second, (radius,) * 4)
    # (B, P, C, H + P - 1, W): all the shifts to the side, then row by row.
    beside = torch.stack([padded[..., j : j + width] for j in range(patch_size)], dim=1)
    rows = [
        (first[:, None] * beside[..., i : i + height, :]).sum(2)
        for i in range(patch_size)
    ]
    return torch.stack(rows, dim=1)
