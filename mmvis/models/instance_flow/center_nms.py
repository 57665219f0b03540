"""Centres of instances: the peaks of a heatmap."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from mmvis.models.common.host_copies import copy_to_host


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
        scores (m,), the heatmap's values there; both at least float32, on the host.
        Best first; of equal scores the upper, then the left one.

    Raises:
        ValueError: If the kernel is not odd and positive.
    """
    one = heatmap[None], foreground[None]
    return centers_of_frames(*one, kernel, threshold, top_k, stride=stride)[:2]


def centers_of_frames(
    heatmaps: Tensor,
    foreground: Tensor,
    kernel: int,
    threshold: float,
    top_k: int | None,
    *,
    stride: int,
) -> tuple[Tensor, Tensor, list[int]]:
    """:func:`find_centers` of T maps (T, h, w); the host waits twice for all of them.

    Returns:
        tuple: centers (m, 2) and scores (m,), frame by frame, and how many are of each.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f'kernel must be odd and positive, but is {kernel}.')
    heat = heatmaps.detach().to(torch.promote_types(heatmaps.dtype, torch.float32))
    heat = heat.where(foreground & (heat > threshold), -torch.inf)
    highest = _window_maximum(heat, kernel // 2 // stride)
    peak = ((heat == highest) & (heat > threshold)).nonzero()
    # Peaks are few: what follows would take a device longer than the host.
    host = copy_to_host(dict(peak=peak, scores=heat[peak.unbind(1)]))
    frame, row, column = (peak := host['peak']).unbind(1)
    scores = host['scores']

    plateau = _plateaus(peak, heat.shape)
    size = torch.bincount(plateau, minlength=len(plateau))
    points = torch.stack([column, row], dim=1).to(heat.dtype) + 0.5
    middles = torch.zeros_like(points).index_add_(0, plateau, points) / size[:, None]
    first = size.nonzero()[:, 0]
    best = first[scores[first].argsort(descending=True, stable=True)]
    best = torch.cat([best[frame[best] == t][:top_k] for t in range(len(heat))])
    counts = frame[best].bincount(minlength=len(heat)).tolist()
    return middles[best] * stride, scores[best], counts


def _window_maximum(maps: Tensor, radius: int) -> Tensor:
    """The maximum of (T, h, w) in the window around each pixel: rows, then columns."""
    # A window of 41 x 41 takes ten times as long at once as in two steps.
    side = 2 * radius + 1
    rows = max_pool2d(maps, (1, side), stride=1, padding=(0, radius))
    return max_pool2d(rows, (side, 1), stride=1, padding=(radius, 0))


def _plateaus(peak: Tensor, shape: torch.Size) -> Tensor:
    """The first pixel (m,) of those that each of the pixels (m, 3) is connected with.

    Pixels of a frame are connected by their sides and corners. Two peaks that touch are
    equal.

    Args:
        peak (Tensor): Frame, row and column of each.
        shape (torch.Size): Frames, rows and columns.
    """
    frame, row, column = peak.unbind(1)
    own = torch.arange(len(peak))
    position = own.new_full((shape[0], shape[1] + 2, shape[2] + 2), -1)
    position[frame, row + 1, column + 1] = own
    step = torch.arange(3)
    around = position[
        frame[:, None, None],
        row[:, None, None] + step[:, None],
        column[:, None, None] + step,
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
