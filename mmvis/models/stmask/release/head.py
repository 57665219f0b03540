"""The prediction head of the released STMask."""

from __future__ import annotations

from torch import Tensor

from mmvis.models.stmask.head import STMaskHead
from mmvis.registry import MODELS


@MODELS.register_module()
class ReleasedSTMaskHead(STMaskHead):
    """The head with the released code's order of centerness.

    The release joins the centerness maps of its anchor shapes along the rows of the
    map, so that inside a level the value at position ``(y * W + x) * A + a`` belongs to
    another anchor. Its checkpoints are trained with that order, in losses and at test
    time alike.
    """

    def flatten_centerness(self, level: Tensor) -> Tensor:
        """A level's maps (B, A, H * W) one after the other: (B, A * H * W, 1)."""
        return level.reshape(len(level), -1, 1)
