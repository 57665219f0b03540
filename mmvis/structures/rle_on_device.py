"""Run lengths of masks on a GPU: found there, so that no mask travels to the host."""

import numpy as np
import torch
from torch import Tensor


def find_runs(masks: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Run lengths of all masks in a row, and where each mask's end in that row.

    The steps are those of ``rle.find_runs``, whose comments say why.

    Args:
        masks: (n, h, w), bool or integer, on any device.

    Returns:
        (runs,) int64 and (n,) int64, both on the host.
    """
    masks = masks.bool()
    num, height, width = masks.shape
    area = height * width
    begins = torch.empty_like(masks)
    torch.ne(masks[:, 1:], masks[:, :-1], out=begins[:, 1:])
    torch.ne(masks[:, 0, 1:], masks[:, -1, :-1], out=begins[:, 0, 1:])
    begins[:, 0, 0] = masks[:, 0, 0]
    pixels = begins.flatten().nonzero().squeeze(1)  # waits for their number
    index = torch.div(pixels, area, rounding_mode='floor')
    place = pixels - index * area
    row = torch.div(place, width, rounding_mode='floor')
    positions = index * area + (place - row * width) * height + row
    numbers = torch.arange(1, num + 1, device=masks.device)
    ends = numbers * area
    splits = torch.searchsorted(pixels, ends) + numbers
    runs = torch.cat([positions, ends]).sort().values
    runs[1:] -= runs[:-1].clone()
    both = torch.cat([runs, splits]).cpu().numpy()  # the only copy to the host
    return both[: len(runs)], both[len(runs) :]
