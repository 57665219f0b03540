"""Features of a frame, averaged inside masks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

# 64 MiB of float32: eight masks of 1080p.
_PIXELS_AT_ONCE = 2**24


def shrink_masks(masks: Tensor, size: tuple[int, ...]) -> Tensor:
    """How much of each cell of another grid over the same frame masks cover.

    Args:
        masks (Tensor): (n, h, w) bool, or shares of pixels in [0, 1].
        size (tuple[int, int]): Rows and columns of the grid.

    Returns:
        Tensor: (n, *size) float32 in [0, 1]. A mask of one pixel covers a part of at
        least one cell: none vanishes.
    """
    # As floats masks take four times their memory: not all at once.
    number = max(1, _PIXELS_AT_ONCE // max(1, masks[0:1].numel()))
    # Instances are the batch here, since a tensor without channels is refused.
    parts = [
        interpolate(part[:, None].float(), size, mode='area')[:, 0]
        for part in masks.split(number)
    ]
    return torch.cat(parts)


def pool_in_masks(features: Tensor, masks: Tensor, centred: bool = False) -> Tensor:
    """Mean of the features inside each mask.

    Args:
        features (Tensor): (C, h, w) of one frame.
        masks (Tensor): (n, h', w') bool or shares, over the same frame.
        centred (bool): Minus the mean over the whole frame: what all places have in
            common says nothing about an instance.

    Returns:
        Tensor: (n, C) float32; zeros for an empty mask.
    """
    with torch.autocast(features.device.type, enabled=False):
        flat = features.float().flatten(1)
        if centred:
            flat = flat - flat.mean(1, keepdim=True)
        weights = shrink_masks(masks, tuple(features.shape[1:])).flatten(1)
        area = weights.sum(1, keepdim=True)
        return (weights @ flat.T) / area.clamp(min=1e-9)
