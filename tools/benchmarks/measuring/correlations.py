"""Ways to compute the local correlation of two maps."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.stmask.correlation import TiledCorrelation, mmcv_correlation

from .least_times import Way


def make_ways(patch_size: int, device: str) -> dict[str, Way]:
    """The ways to correlate maps (B, C, H, W) within a patch of this many cells."""
    ways = {'tiles': TiledCorrelation.apply}
    ways |= {'loop': loop_over_displacements, 'all pairs': all_pairs}
    if torch.device(device).type == 'cuda' and mmcv_correlation():
        ways['mmcv'] = mmcv_correlation()

    def correlate(way: Way, first: Tensor, second: Tensor) -> Tensor:
        return way(first, second, patch_size)

    return {name: partial(correlate, way) for name, way in ways.items()}


def loop_over_displacements(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """The sum over the channels for each displacement by itself."""
    height, width = first.shape[-2:]
    padded = pad(second, (patch_size // 2,) * 4)
    sums = [
        (first * padded[:, :, down : down + height, right : right + width]).sum(1)
        for down in range(patch_size)
        for right in range(patch_size)
    ]
    return torch.stack(sums, 1).unflatten(1, (patch_size, patch_size))


def all_pairs(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """One product of the whole maps; a strided view of it has the near pairs."""
    batch, _, height, width = first.shape
    padded = pad(second, (patch_size // 2,) * 4)
    row = padded.shape[-1]
    pairs = first.flatten(2).mT @ padded.flatten(2)
    cells = pairs.shape[-1]
    shape = (batch, patch_size, patch_size, height, width)
    strides = (height * width * cells, row, 1, width * cells + row, cells + 1)
    return pairs.as_strided(shape, strides).contiguous()
