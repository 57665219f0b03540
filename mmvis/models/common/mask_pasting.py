"""Masks of boxes, brought into one grid over the whole frame, or into its pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from .constants import kept

# Pixels of soft masks that are there at once: 1 GiB.
PIXELS_AT_ONCE = 2**28


def paste_masks(
    masks: Tensor, bboxes: Tensor, size: tuple[int, int], stride: tuple[float, float]
) -> Tensor:
    """Soft masks of boxes in a grid over the frame, zero outside of the boxes.

    Bilinear interpolation along rows, then along columns: two matrix products for all
    masks and no wait for the device. Meant for coarse grids, and for chunks; its cost
    grows with the whole grid, not with the boxes.

    Args:
        masks (Tensor): (n, s, s') probabilities, each over its box.
        bboxes (Tensor): (n, 4) xyxy in pixels.
        size (tuple[int, int]): Rows h and columns w of the grid.
        stride (tuple[float, float]): Pixels a cell of the grid is high and wide.

    Returns:
        Tensor: (n, h, w), of the masks' dtype.
    """
    count, (height, width) = max(size), size
    cells = _centers(count, tuple(stride[::-1]), bboxes.dtype, bboxes.device)
    start, stop = bboxes[:, :2, None], bboxes[:, 2:, None]
    places = (cells - start) / (stop - start).clamp(min=1e-3)
    if masks.shape[1] == masks.shape[2]:
        columns, rows = _weights(places, masks.shape[1]).unbind(1)
    else:
        columns = _weights(places[:, 0], masks.shape[2])
        rows = _weights(places[:, 1], masks.shape[1])
    rows, columns = rows[:, :height], columns[:, :width]
    # Autocast would do it in half precision, and masks' edges would move.
    with torch.autocast(bboxes.device.type, enabled=False):
        pasted = rows @ masks.to(rows.dtype) @ columns.transpose(1, 2)
    return pasted.to(masks.dtype)


def masks_in_frame(
    masks: Tensor, bboxes: Tensor, metainfo: dict, mask_thr: float
) -> Tensor:
    """Masks (n, H, W) bool of the original frame, as mmdet's mask heads paste them.

    Args:
        masks (Tensor): (n, s, s') probabilities, each over its box.
        bboxes (Tensor): (n, 4) xyxy in pixels of the network's input.
        metainfo (dict): ori_shape, and scale_factor (width, height).
        mask_thr (float): Pixels of at least this belong to an instance.
    """
    width, height = metainfo['scale_factor'][:2]
    size = metainfo['ori_shape'][:2]
    most = max(1, PIXELS_AT_ONCE // (size[0] * size[1]))
    pasted = [
        paste_masks(part, boxes, size, (height, width)) >= mask_thr
        for part, boxes in zip(
            masks.float().split(most), bboxes.split(most), strict=True
        )
    ]
    return torch.cat(pasted) if len(pasted) > 1 else pasted[0]


def _weights(places: Tensor, num_elements: int) -> Tensor:
    """Weight (..., elements) of each element of a mask at places (...) in its box."""
    elements = _range(num_elements, places.dtype, places.device)
    distances = (places[..., None] * num_elements - 0.5 - elements).abs()
    return (1 - distances).clamp(min=0)


@kept(16)
def _range(count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.arange(count, device=device, dtype=dtype)


@kept(16)
def _centers(
    count: int, steps: tuple[float, ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Centers (axes, count) of cells that are ``steps`` wide."""
    wide = torch.tensor(steps, dtype=dtype).to(device)
    return (torch.arange(count, device=device, dtype=dtype) + 0.5) * wide[:, None]
