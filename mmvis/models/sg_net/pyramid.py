"""What SG-Net's head makes of the levels of a feature pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmvis.models.common.prediction_at_places import Places, predict_at_places


class SGNetLevels(NamedTuple):
    """Raw predictions of the levels of a feature pyramid, (B, d, H_l, W_l) each.

    Attributes:
        cls_scores, bbox_preds, centernesses (list[Tensor]): As mmdet's FCOSHead has
            them in training: d = C, 4 and 1. Distances are in strides where
            ``norm_on_bbox`` is set, else in pixels.
        tracking (list[Tensor]): What centerness is predicted from.
        attention (list[Tensor]): What attention scores are predicted from.
    """

    cls_scores: list[Tensor]
    bbox_preds: list[Tensor]
    centernesses: list[Tensor]
    tracking: list[Tensor]
    attention: list[Tensor]


class SGNetPyramid(NamedTuple):
    """The same for all N locations of B frames, in order of level, y, x.

    Attributes:
        logits (Tensor): (B, N, C).
        distances (Tensor): (B, N, 4) to the left, top, right and bottom side, pixels.
        centerness (Tensor): (B, N) logits.
        tracking, attention (Tensor): (B, C', N) features.
        points (Tensor): (B, N, 2) x, y in pixels of the padded input.
        strides (Tensor): (B, N).
        first, size, cell (Tensor): (B, N, ...), the fields of ``Places``.
    """

    logits: Tensor
    distances: Tensor
    centerness: Tensor
    tracking: Tensor
    attention: Tensor
    points: Tensor
    strides: Tensor
    first: Tensor
    size: Tensor
    cell: Tensor


class SGNetTargets(NamedTuple):
    """What the locations of B frames are trained on.

    Attributes:
        labels (list[Tensor]): (B * n_l,) int64 of each level; the number of classes
            for background.
        distances (list[Tensor]): (B * n_l, 4), as ``bbox_preds``.
        gt (Tensor): (B, N) int64, the object of each location, counted through all
            frames, or -1.
    """

    labels: list[Tensor]
    distances: list[Tensor]
    gt: Tensor


class Locations(NamedTuple):
    """Some locations of some frames.

    Attributes:
        frame, index (Tensor): (p,) int64.
    """

    frame: Tensor
    index: Tensor  # type: ignore[assignment]  # a tuple's method of this name


def predict_3x3(
    conv: nn.Conv2d, features: Tensor, pyramid: SGNetPyramid, at: Locations
) -> Tensor:
    """What a 3x3 convolution of features (B, C, N) has at p locations: (p, d)."""
    num_cells = features.shape[-1]
    places = Places(*(field[at] for field in pyramid[-3:]))
    # The frames of the batch side by side, as if they were further levels.
    places = places._replace(first=places.first + at.frame * num_cells)
    features = features.transpose(0, 1).flatten(1)
    return predict_at_places(features, places, conv.weight, conv.bias)


def locations_first(levels: Sequence[Tensor]) -> Tensor:
    """Levels (B, d, H, W) as (B, N, d)."""
    return side_by_side(levels).transpose(1, 2)


def side_by_side(levels: Sequence[Tensor]) -> Tensor:
    """Levels (B, d, H, W) as (B, d, N)."""
    return torch.cat([level.flatten(2) for level in levels], dim=2)
