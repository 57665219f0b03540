"""Instance flow: the way of an instance to its centre in another frame (eq. 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .grouping import instance_means


class TargetInstances(NamedTuple):
    """The instances of the target frame, and where its pixels point.

    Attributes:
        centers (Tensor): (m, 2) x, y in pixels of the network input.
        id_map (Tensor): (h, w) int64: 0 for background, n + 1 for instance n.
        intra_offsets (Tensor): (2, h, w) x, y from each pixel to its centre in this
            frame, in pixels of the input.
        stride (int): Of the maps.
    """

    centers: Tensor
    id_map: Tensor
    intra_offsets: Tensor
    stride: int


def instance_flow(target: TargetInstances, inter_offsets: Tensor) -> Tensor:
    """The mean of the offset residual over each instance (eq. 3).

    Both offsets of a pixel begin at the pixel. So their difference is the way from its
    centre in this frame to the one in the reference frame, wherever the pixel is, and
    a mask with wrong or missing parts does not bend the mean.

    Args:
        target (TargetInstances): m instances.
        inter_offsets (Tensor): (R, 2, h, w) x, y from each pixel to the centre of its
            instance in R reference frames, in pixels of the input.

    Returns:
        Tensor: (R, m, 2) x, y, at least float32; 0 for an instance without a pixel.
    """
    # The mean of differences is the difference of means.
    offsets = torch.cat([inter_offsets, target.intra_offsets[None]])
    means = field_means(target, offsets)
    return means[:-1] - means[-1]


def field_means(target: TargetInstances, fields: Tensor) -> Tensor:
    """Means (R, m, 2) of R fields (R, 2, h, w), by one scatter."""
    num = len(target.centers)
    means = instance_means(fields.flatten(0, 1), target.id_map, num)
    return means.view(num, len(fields), 2).transpose(0, 1)
