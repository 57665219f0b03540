"""Atrous spatial pyramid pooling: context of several ranges around each pixel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn


class ASPP(BaseModule):
    """ASPP with depthwise-separable convolutions, as in DeepLabV3+.

    A 1x1 convolution, dilated 3x3 convolutions, and the mean over the whole map go
    side by side; a 1x1 convolution joins them.

    Args:
        in_channels (int): Channels of the map of stride 16.
        out_channels (int): Channels of each branch and of the result.
        dilations (Sequence[int]): Of the 3x3 convolutions, in pixels of the map. Those
            of the paper are for an input 640 wide.
        norm_cfg (dict | None): Norm layers. The branch of the mean has none: it is one
            value for each frame and channel, of which a batch of one has no statistics.
        init_cfg (dict | list[dict], optional): Of mmengine.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.branches = nn.ModuleList(
            [ConvModule(in_channels, out_channels, 1, norm_cfg=norm_cfg)]
        )
        for dilation in dilations:
            branch = DepthwiseSeparableConvModule(
                in_channels,
                out_channels,
                3,
                padding=dilation,
                dilation=dilation,
                norm_cfg=norm_cfg,
            )
            self.branches.append(branch)
        self.pooled = ConvModule(in_channels, out_channels, 1)
        self.project = ConvModule(
            out_channels * (len(self.branches) + 1), out_channels, 1, norm_cfg=norm_cfg
        )

    def forward(self, feats: Tensor) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w)."""
        pooled = self.pooled(feats.mean((2, 3), keepdim=True))
        parts = [branch(feats) for branch in self.branches]
        parts.append(pooled.expand_as(parts[0]))
        return self.project(torch.cat(parts, dim=1))
