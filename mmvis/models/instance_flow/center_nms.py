"""Centres of instances: the peaks of a heatmap."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d


def find_centers(
    heatmap: Tensor,
    foreground: Tensor,
    kernel: int = 41,
    threshold: float = 0.15,
    top_k: int | None = None,
    *,
    stride: int,
) -> tuple[Tensor, Tensor]:
    """Pixel-wise NMS of InstanceFlow (section III-C1), as in Panoptic-DeepLab.

    A centre is a foreground pixel above the threshold with no larger foreground value
    in the window around it. The background is removed first: without a loss there, the
    heatmap may have any value. Pixels of one value that touch are one centre, in their
    middle; equal peaks that do not touch are two, also in one window.

    Args:
        heatmap (Tensor): (h, w); NaN is no centre.
        foreground (Tensor): (h, w) bool.
        kernel (int): Side of the window in pixels of the network input, odd. Of the map
            it takes the pixels whose middle is inside.
        threshold (float): Only larger values are centres.
        top_k (int, optional): The most centres; None: all.
        stride (int): Of the map: pixel (row, column) lies at ((column + 0.5) * stride,
            (row + 0.5) * stride).

    Returns:
        tuple[Tensor, Tensor]: centers (m, 2) x, y in pixels of the network input, and
        scores (m,), the heatmap's values there; both at least float32. Best first; of
        equal scores the upper, then the left one.

    Raises:
        ValueError: If the kernel is not odd and positive.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f'kernel must be odd and positive, but is {kernel}.')
    heat = heatmap.detach().to(torch.promote_types(heatmap.dtype, torch.float32))
    heat = heat.where(foreground & (heat > threshold), -torch.inf)
    highest = _window_maximum(heat, kernel // 2 // stride)
    row, column = ((heat == highest) & (heat > threshold)).nonzero(as_tuple=True)
    scores = heat[row, column]
    plateau = _plateaus(row, column, heat.shape)

    size = torch.bincount(plateau, minlength=len(plateau))
    points = torch.stack([column, row], dim=1).to(heat.dtype) + 0.5
    middles = torch.zeros_like(points).index_add_(0, plateau, points) / size[:, None]
    first = size.nonzero()[:, 0]
    best = first[scores[first].argsort(descending=True, stable=True)[:top_k]]
    return middles[best] * stride, scores[best]


def _window_maximum(maps: Tensor, radius: int) -> Tensor:
    """The maximum of (h, w) in the window around each pixel: rows, then columns."""
    # A window of 41 x 41 takes ten times as long at once as in two steps.
    side = 2 * radius + 1
    rows = max_pool2d(maps[None], (1, side), stride=1, padding=(0, radius))
    return max_pool2d(rows, (side, 1), stride=1, padding=(radius, 0))[0]


def _plateaus(row: Tensor, column: Tensor, shape: torch.Size) -> Tensor:
    """The first pixel (m,) of those that each of the pixels (m,) is connected with.

    Pixels are connected by their sides and corners. Two peaks that touch are equal.
    """
    own = torch.arange(len(row), device=row.device)
    position = own.new_full((shape[0] + 2, shape[1] + 2), -1)
    position[row + 1, column + 1] = own
    step = torch.arange(3, device=row.device)
    around = position[
        row[:, None, None] + step[:, None], column[:, None, None] + step
    ].flatten(1)
    around = around.where(around >= 0, own[:, None])
    first = own
    while True:
        # Besides the neighbours', what that pixel has found: long paths are halved.
        found = first[around].amin(1)
        found = found[found]
        if torch.equal(found, first):
            return first
        first = found
