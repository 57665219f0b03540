"""Boxes around masks."""

from __future__ import annotations

import torch
from torch import Tensor


def mask_boxes(masks: Tensor) -> Tensor:
    """Tight boxes of masks, without a wait for the device.

    Args:
        masks (Tensor): (n, h, w) bool.

    Returns:
        Tensor: (n, 4) float32 xyxy, x2 and y2 exclusive; zeros for an empty mask.
    """
    sides = []
    for axis in (1, 2):  # columns, then rows
        filled = masks.any(axis).byte()
        count = filled.shape[1]
        start = filled.argmax(1) if count else filled.sum(1)
        stop = count - filled.flip(1).argmax(1) if count else start
        sides.append(torch.stack([start, stop], dim=1) * filled.any(1, keepdim=True))
    return torch.stack(sides, dim=2).flatten(1).float()
