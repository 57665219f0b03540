"""Predictions that are made for the detections of a frame instead of all anchors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvis.models.common.prediction_at_places import Places

from .outputs import PostponedOutputs


def can_postpone(*branches: nn.ModuleList) -> bool:
    """Whether all prediction convolutions can be evaluated place by place."""
    return all(layer.at is not None for branch in branches for layer in branch)


def pyramid_places(levels: Sequence[Tensor]) -> list[Tensor]:
    """The fields of ``Places`` of all cells of levels (B, C, H, W), for each frame."""
    sizes = [tuple(level.shape[-2:]) for level in levels]
    places = Places.of_pyramid(sizes, levels[0].device)
    return [field.expand(len(levels[0]), *field.shape) for field in places]


def postponed_predictions(
    outputs: PostponedOutputs, kept: Tensor, branches: Sequence[nn.ModuleList]
) -> list[Tensor]:
    """Predictions (n, d) of each branch for some anchors of one frame.

    The host waits for the device once, to read how many are of each anchor shape.

    Args:
        outputs (PostponedOutputs): Of this frame, without a batch axis.
        kept (Tensor): (n,) int64, indices of anchors.
        branches (Sequence[nn.ModuleList]): The prediction convolutions of the branches
            of ``coefficient_features`` and ``embedding_features``, one for each anchor
            shape.
    """
    num_shapes = len(branches[0])
    shape = kept % num_shapes
    # Anchors of one shape side by side: they share a kernel.
    order = shape.argsort(stable=True)
    counts = shape.bincount(minlength=num_shapes).tolist()
    anchors = kept[order]
    cells = torch.div(anchors, num_shapes, rounding_mode='floor')
    places = Places(outputs.first, outputs.size, outputs.cell).select(cells)
    deltas = outputs.deltas[anchors].split(counts)
    original = order.argsort()
    results = []
    features = outputs.coefficient_features, outputs.embedding_features
    for maps, layers in zip(features, branches, strict=True):
        convs: Any = layers
        parts = [
            conv.at(maps, where, delta)
            for conv, where, delta in zip(
                convs, places.divide(counts), deltas, strict=True
            )
        ]
        results.append(torch.cat(parts)[original])
    return results
