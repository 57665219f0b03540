"""Features of a frame, averaged inside masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

# 64 MiB of float32: eight masks of 1080p. A GPU has more memory.
_PIXELS_AT_ONCE = 2**24
_PIXELS_AT_ONCE_ON_DEVICE = 2**27


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
    on_host = masks.device.type == 'cpu'
    at_once = _PIXELS_AT_ONCE if on_host else _PIXELS_AT_ONCE_ON_DEVICE
    number = max(1, at_once // max(1, masks[0:1].numel()))
    # Instances are the batch here, since a tensor without channels is refused.
    parts = [
        interpolate(part[:, None].float(), size, mode='area')[:, 0]
        for part in masks.split(number)
    ]
    return torch.cat(parts)


def pool_in_masks(
    features: Tensor, masks: Tensor, counts: Sequence[int], centred: bool = False
) -> Tensor:
    """Mean of the features inside each mask.

    Args:
        features (Tensor): (B, C, h, w) of B frames.
        masks (Tensor): (n, h', w') bool or shares, over the same frames, one frame's
            after the other's.
        counts (Sequence[int]): How many are of each frame.
        centred (bool): Minus the mean over the whole frame: what all places have in
            common says nothing about an instance.

    Returns:
        Tensor: (n, C) float32; zeros for an empty mask and, centred, for one of the
        whole frame, whose mean is that of the frame.
    """
    with torch.autocast(features.device.type, enabled=False):
        flat = features.float().flatten(2)
        if centred:
            flat = flat - flat.mean(2, keepdim=True)
        weights = shrink_masks(masks, tuple(features.shape[2:])).flatten(1)
        area = weights.sum(1, keepdim=True)
        own = zip(weights.split(list(counts)), flat, strict=True)
        sums = torch.cat([part @ maps.T for part, maps in own])
        if centred:
            # Rounding would be left, and be as long as any looks when brought to 1.
            area.masked_fill_(area >= flat.shape[2], torch.inf)
        return sums / area.clamp(min=1e-9)
