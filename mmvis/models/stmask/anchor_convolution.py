"""A prediction convolution of one anchor shape, which keeps the size of the map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from mmvis.models.common.prediction_at_places import Places, predict_at_places
from mmvis.registry import MODELS

from .joined_parameters import JoinedParameters
from .level_canvas import LevelCanvas


@MODELS.register_module()
class AnchorConvolution(BaseModule):
    """Plain convolution with the kernel of one anchor shape (STMask, section 3.1.1).

    Args:
        in_channels (int): Channels of the features.
        out_channels (int): Channels of the predictions.
        kernel_size (Sequence[int]): Height and width of the kernel. Even kernels cover
            one more cell to the right (below) than to the left (above).
        anchor_cells (Sequence[float] | None): Height and width of the anchor in cells.
            Only the calibrated convolutions need it; it is here so that all of them are
            built with the same arguments.
        init_cfg (dict | None): As in mmengine.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float] | None = None,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        height, width = kernel_size
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            (height, width),
            padding=((height - 1) // 2, (width - 1) // 2),
        )
        # What an even side lacks: left, right, top, bottom.
        self.extra_padding = (0, (width + 1) % 2, 0, (height + 1) % 2)

    def forward(self, features: Tensor, deltas: Tensor | None = None) -> Tensor:
        """Predictions (B, out_channels, H, W) of features (B, in_channels, H, W).

        Args:
            features (Tensor): (B, in_channels, H, W).
            deltas (Tensor | None): The box regressions, which only the calibrated
                convolutions look at.
        """
        if any(self.extra_padding):
            features = pad(features, self.extra_padding)
        return self.conv(features)

    def at(self, features: Tensor, places: Places, deltas: Tensor) -> Tensor:
        """Predictions (n, out_channels) at some places of a frame alone.

        Args:
            features (Tensor): (C, cells), all levels of the frame.
            places (Places): n of these cells.
            deltas (Tensor): (n, 4), the box regressions there; not looked at.
        """
        return predict_at_places(features, places, self.conv.weight, self.conv.bias)

    @staticmethod
    def on_canvas(
        layers: Sequence[Any],
        features: Tensor,
        deltas: Tensor,
        canvas: LevelCanvas,
        join: JoinedParameters,
    ) -> Tensor:
        """Predictions of several layers with kernels of one size, for all levels.

        Args:
            layers (Sequence[AnchorConvolution]): L of them.
            features (Tensor): (B, C, H, W), zero between the levels.
            deltas (Tensor): (B, L * 4, H, W), the box regressions, which only the
                calibrated convolutions look at.
            canvas (LevelCanvas): Where the levels are.
            join (JoinedParameters): Joins the layers' weights.

        Returns:
            Tensor: (B, L * out_channels, H, W); anything between the levels.
        """
        return convolve_together(layers, features, join)


def convolve_together(
    layers: Sequence[Any],
    features: Tensor,
    join: Callable[[list[Tensor]], Tensor],
    groups: int = 1,
) -> Tensor:
    """One convolution that has what several layers with kernels of one size have.

    Args:
        layers (Sequence[AnchorConvolution]): L of them.
        features (Tensor): (B, groups * C, H, W).
        join (Callable): Concatenates parameters.
        groups (int): 1, or L: each layer has features of its own.

    Returns:
        Tensor: (B, sum of out_channels, H, W).
    """
    first = layers[0]
    if any(first.extra_padding):
        features = pad(features, first.extra_padding)
    return conv2d(
        features,
        join([layer.conv.weight for layer in layers]),
        join([layer.conv.bias for layer in layers]),
        padding=first.conv.padding,
        groups=groups,
    )


def predict_together(
    features: Tensor, *branches: Sequence[AnchorConvolution] | nn.ModuleList
) -> list[list[Tensor]]:
    """Predictions of several branches that look at the same features.

    Layers with kernels of one size are one convolution. Box and centerness have but
    five channels for each anchor shape, and a convolution to so few takes about as
    long as one to all of them.

    Args:
        features (Tensor): (B, C, H, W).
        *branches (Sequence[AnchorConvolution] | ModuleList): One layer for each anchor
            shape.

    Returns:
        list[list[Tensor]]: What each layer of each branch gives for itself.
    """
    layers: list[Any] = [layer for branch in branches for layer in branch]
    results: list[Tensor] = [features] * len(layers)
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, layer in enumerate(layers):
        groups.setdefault(layer.conv.kernel_size, []).append(index)
    for group in groups.values():
        members = [layers[index] for index in group]
        maps = convolve_together(members, features, torch.cat)
        parts = maps.split([layer.conv.out_channels for layer in members], dim=1)
        for index, part in zip(group, parts, strict=True):
            results[index] = part
    left = iter(results)
    return [[next(left) for _ in branch] for branch in branches]
