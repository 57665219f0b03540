"""Prediction of the same input at several scales, averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mmvis.models.common.constants import constant

# What the scaled input's sides are multiples of: the largest stride.
DIVISOR = 16


def scale_frames(frames: Tensor, scale: float) -> Tensor:
    """Frames (T, C, H, W) at about this scale, without aliasing."""
    if scale == 1:
        return frames
    sides = [max(round(n * scale / DIVISOR), 1) * DIVISOR for n in frames.shape[-2:]]
    return interpolate(frames, sides, mode='bilinear', antialias=True)


def in_input_pixels(offsets: Tensor, size: tuple[int, ...]) -> Tensor:
    """Offsets (B, 2, h', w') of a scaled input, in pixels of the input itself.

    Args:
        offsets (Tensor): x before y, in pixels of the scaled input.
        size (tuple[int, int]): h and w of the maps of the input itself.
    """
    y, x = (new / old for new, old in zip(size, offsets.shape[-2:], strict=True))
    return offsets * constant(offsets, [x, y])[:, None, None]


def mean_of_scales(maps: Sequence[Tensor], size: tuple[int, ...]) -> Tensor:
    """Mean (B, d, h, w) of maps (B, d, h', w') of several sizes."""
    maps = [
        m if m.shape[-2:] == tuple(size) else interpolate(m, size, mode='bilinear')
        for m in maps
    ]
    return maps[0] if len(maps) == 1 else torch.stack(maps).mean(0)
