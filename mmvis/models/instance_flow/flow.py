"""Instance flow: the way of an instance to its centre in another frame (eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
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


class FramesInstances(NamedTuple):
    """The m instances of T frames, counted through all of them.

    Attributes:
        centers (Tensor): (m, 2), frame by frame.
        centers_on_host (Tensor): The same.
        counts (list[int]): How many are of each frame.
        id_map (Tensor): (T, h, w) int64: 0 for background, n + 1 for instance n.
        intra_offsets (Tensor): (T, 2, h, w).
        stride (int): Of the maps.
    """

    centers: Tensor
    centers_on_host: Tensor
    counts: list[int]
    id_map: Tensor
    intra_offsets: Tensor
    stride: int

    @property
    def starts(self) -> list[int]:
        """The first instance of each frame, and m."""
        return [0, *accumulate(self.counts)]

    def of_frame(self, t: int) -> TargetInstances:
        """Those of one frame, counted from its first."""
        first, stop = self.starts[t : t + 2]
        ids = self.id_map[t]
        return TargetInstances(
            self.centers[first:stop],
            ids if first == 0 else (ids - first).clamp(min=0),
            self.intra_offsets[t],
            self.stride,
        )


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


def field_means_of_frames(
    instances: FramesInstances, fields: Tensor, frame: Sequence[int]
) -> Tensor:
    """Means (P, n, 2) of P fields (P, 2, h, w) over the instances of their frames.

    By one scatter for all. A frame has as many rows as the one of most instances, n;
    those that it has no instance for are zero.

    Args:
        instances (FramesInstances): Of T frames.
        fields (Tensor): x, y.
        frame (Sequence[int]): P frames.
    """
    most = max(instances.counts)
    if len(instances.counts) == 1:
        id_map, num = instances.id_map[0], most
        means = instance_means(fields.flatten(0, 1), id_map, num)
        return means.view(num, len(fields), 2).transpose(0, 1)
    starts = instances.starts
    shift = [pair * most - starts[t] for pair, t in enumerate(frame)]
    where = torch.tensor([list(frame), shift]).to(fields.device)
    ids = instances.id_map[where[0]]
    # Each pair has instances of its own.
    ids = (ids + where[1, :, None, None]) * (ids > 0)
    num = len(fields) * most
    means = instance_means(fields.transpose(0, 1).flatten(1, 2), ids.flatten(0, 1), num)
    return means.view(len(fields), most, 2)
