"""What the head of STMask predicts, in one of two forms."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class STMaskOutputs(NamedTuple):
    """Raw predictions for N anchors of B frames, in order of level, y, x, anchor.

    Attributes:
        deltas (Tensor): (B, N, 4) box regressions t; eqs. 1-2 with d = stds * t.
        logits (Tensor): (B, N, C + 1), the background last.
        centerness (Tensor): (B, N) in [-1, 1], trained to be the box's DIoU.
        coefficients (Tensor): (B, N, K) mask coefficients before their activation.
        embeddings (Tensor): (B, N, D) of length one.
    """

    deltas: Tensor
    logits: Tensor
    centerness: Tensor
    coefficients: Tensor
    embeddings: Tensor


class PostponedOutputs(NamedTuple):
    """What NMS needs for N anchors of B frames, and features of the other branches.

    Attributes:
        deltas, logits, centerness (Tensor): See ``STMaskOutputs``.
        coefficient_features, embedding_features (Tensor): (B, C, cells) what the mask
            and the track branch end their towers with, all levels side by side. Each
            cell has as many anchors as there are anchor shapes.
        first, size, cell (Tensor): (B, cells, ...), the fields of ``Places``.
    """

    deltas: Tensor
    logits: Tensor
    centerness: Tensor
    coefficient_features: Tensor
    embedding_features: Tensor
    first: Tensor
    size: Tensor
    cell: Tensor
