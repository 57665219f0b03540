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
    area, size = height * width, masks.numel()
    flags = torch.empty(-(-size // 8) * 8, dtype=torch.bool, device=masks.device)
    flags[size:] = False
    begins = flags[:size].view(num, height, width)
    torch.ne(masks[:, 1:], masks[:, :-1], out=begins[:, 1:])
    torch.ne(masks[:, 0, 1:], masks[:, -1, :-1], out=begins[:, 0, 1:])
    begins[:, 0, 0] = masks[:, 0, 0]
    words = flags.view(torch.int64).nonzero().squeeze(1)
    hits = flags.view(-1, 8)[words].nonzero()
    pixels = words[hits[:, 0]] * 8 + hits[:, 1]
    index = torch.div(pixels, area, rounding_mode='floor')
    pixels = pixels - index * area
    row = torch.div(pixels, width, rounding_mode='floor')
    positions = index * area + (pixels - row * width) * height + row
    ends = torch.arange(1, num + 1, device=masks.device) * area
    splits = (torch.bincount(index, minlength=num) + 1).cumsum(0)
    runs = torch.cat([positions, ends]).sort().values
    runs = runs.diff(prepend=runs.new_zeros(1))
    both = torch.cat([runs, splits]).cpu().numpy()  # the only copy to the host
    return both[: len(runs)], both[len(runs) :]
