"""Yolact's box regressions."""

from __future__ import annotations

import math
from typing import Any

import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor

from mmvis.registry import TASK_UTILS

# mmdet's limit to the change of size, moved to where it changes nothing.
NO_LIMIT = 1e-6
MOST_GROWTH = -math.log(NO_LIMIT)


@TASK_UTILS.register_module()
class YolactBBoxCoder(DeltaXYWHBBoxCoder):
    """mmdet's coder with Yolact's variances and without a limit to the change of size.

    Args:
        target_stds (Sequence[float]): Of x, y, width and height.
        **kwargs: Of mmdet's coder.
    """

    def __init__(
        self, target_stds: tuple[float, ...] = (0.1, 0.1, 0.2, 0.2), **kwargs: Any
    ) -> None:
        super().__init__(target_stds=target_stds, **kwargs)

    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, **kwargs: Any) -> Tensor:
        """Boxes (n, 4) that regressions (n, 4) make of priors (n, 4)."""
        (x_std, y_std, *sizes), plain = self.stds, not any(self.means) and not kwargs
        if not plain or x_std != y_std or sizes[0] != sizes[1]:
            kwargs.setdefault('wh_ratio_clip', NO_LIMIT)
            return super().decode(bboxes, pred_bboxes, **kwargs)
        # The same as mmdet's, which copies means and stds to the device at each call.
        low, high = bboxes[:, :2], bboxes[:, 2:]
        extent = high - low
        moved = extent * (pred_bboxes[:, :2] * x_std)
        center = torch.add(moved, low + high, alpha=0.5)
        growth = (pred_bboxes[:, 2:] * sizes[0]).clamp(-MOST_GROWTH, MOST_GROWTH)
        size = extent * growth.exp()
        corners = [torch.add(center, size, alpha=side) for side in (-0.5, 0.5)]
        return torch.cat(corners, dim=-1)
