"""Panoptic-DeepLab's decoder: context, sharpened by features of smaller strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import interpolate


class DeepLabDecoder(BaseModule):
    """Two skip connections, each joined by one 5x5 depthwise-separable convolution.

    The result of a layer is upsampled to the next skip connection, of stride 8 and
    then 4, and put beside that one's projection.

    Args:
        in_channels (int): Channels of the first layer's input, the ASPP's result.
        skip_channels (Sequence[int]): Channels of the encoder's maps, by falling
            stride: C3 and C2 of a ResNet.
        project_channels (Sequence[int]): Channels to which they are projected. The
            paper has no numbers: Panoptic-DeepLab has 64 and 32 for semantics, half of
            that for instances.
        feat_channels (int): Channels of each layer's result.
        norm_cfg (dict | None): Norm layers.
        init_cfg (dict | list[dict], optional): Of mmengine.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: Sequence[int],
        project_channels: Sequence[int],
        feat_channels: int,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.projections = nn.ModuleList(
            ConvModule(before, after, 1, norm_cfg=norm_cfg)
            for before, after in zip(skip_channels, project_channels, strict=True)
        )
        self.fusions = nn.ModuleList()
        for projected in project_channels:
            self.fusions.append(
                DepthwiseSeparableConvModule(
                    in_channels + projected,
                    feat_channels,
                    5,
                    padding=2,
                    norm_cfg=norm_cfg,
                )
            )
            in_channels = feat_channels

    def project(self, skips: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The encoder's maps, by falling stride, as the skip connections carry them."""
        pairs = zip(self.projections, skips, strict=True)
        return tuple(projection(skip) for projection, skip in pairs)

    def forward(self, feats: Tensor, projected: Sequence[Tensor]) -> list[Tensor]:
        """Results of all layers, by falling stride; the first is ``feats`` itself.

        Args:
            feats (Tensor): (B, in_channels, h, w) of stride 16.
            projected (Sequence[Tensor]): What :meth:`project` gave. A batch of one
                serves any B.
        """
        layers = [feats]
        for fusion, skip in zip(self.fusions, projected, strict=True):
            coarse = interpolate(layers[-1], skip.shape[-2:], mode='bilinear')
            # Not len(): torch.export would take the number for a constant.
            skip = skip.expand(coarse.shape[0], -1, -1, -1)
            layers.append(fusion(torch.cat([coarse, skip], dim=1)))
        return layers


class PixelPredictor(nn.Sequential):
    """A 5x5 depthwise-separable convolution and a linear 1x1 one.

    Args:
        in_channels (int): Channels of a decoder's layer.
        feat_channels (int): Channels in between.
        out_channels (int): Predictions for each pixel.
        norm_cfg (dict | None): Norm layers.
    """

    def __init__(
        self,
        in_channels: int,
        feat_channels: int,
        out_channels: int,
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            DepthwiseSeparableConvModule(
                in_channels, feat_channels, 5, padding=2, norm_cfg=norm_cfg
            ),
            nn.Conv2d(feat_channels, out_channels, 1),
        )
        last: Any = self[1]
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)
