"""Yolact's box regressions."""

from __future__ import annotations

import math
from typing import Any

from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor

from mmvis.models.common.delta_decoding import boxes_of, is_even
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
        if kwargs or not is_even(self):
            kwargs.setdefault('wh_ratio_clip', NO_LIMIT)
            return super().decode(bboxes, pred_bboxes, **kwargs)
        # The same as mmdet's, which copies means and stds to the device at each call.
        return boxes_of(bboxes, pred_bboxes, self, MOST_GROWTH)
