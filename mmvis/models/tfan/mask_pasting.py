"""Masks of boxes, brought into one grid over the whole frame."""

from __future__ import annotations

import torch
from torch import Tensor


def paste_masks(
    masks: Tensor, bboxes: Tensor, size: tuple[int, int], stride: float
) -> Tensor:
    """Soft masks of boxes in a coarse grid over the frame, zero outside of the boxes.

    Bilinear interpolation along rows, then along columns: two matrix products for all
    masks and no wait for the device. Meant for coarse grids; its cost grows with the
    whole grid, not with the boxes.

    Args:
        masks (Tensor): (n, s, s') probabilities, each over its box.
        bboxes (Tensor): (n, 4) xyxy in pixels.
        size (tuple[int, int]): Rows h and columns w of the grid.
        stride (float): Pixels a cell of the grid is wide.

    Returns:
        Tensor: (n, h, w), of the masks' dtype.
    """
    rows = _interpolation(bboxes[:, 1], bboxes[:, 3], masks.shape[1], size[0], stride)
    columns = _interpolation(
        bboxes[:, 0], bboxes[:, 2], masks.shape[2], size[1], stride
    )
    pasted = rows @ masks.to(rows.dtype) @ columns.transpose(1, 2)
    return pasted.to(masks.dtype)


def _interpolation(
    start: Tensor, stop: Tensor, num_elements: int, num_cells: int, stride: float
) -> Tensor:
    """Weight (n, cells, elements) of each element of a mask at each cell's centre."""
    device = start.device
    cells = (torch.arange(num_cells, device=device, dtype=start.dtype) + 0.5) * stride
    length = (stop - start).clamp(min=1e-3)
    place = (cells - start[:, None]) / length[:, None] * num_elements - 0.5
    elements = torch.arange(num_elements, device=device, dtype=start.dtype)
    return (1 - (place[..., None] - elements).abs()).clamp(min=0)
