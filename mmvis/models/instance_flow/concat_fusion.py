"""Fusion of two frames by concatenation (InstanceFlow, Table II)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.registry import MODELS

from .aspp import ASPP


class ConcatFusion(BaseModule):
    """Convolutions of both frames' features, side by side.

    Different from attention, a pixel meets what lies in the same place of the reference
    frame, and only as far around it as the convolutions reach.

    Args:
        in_channels (int): Channels of the encoder's map.
        out_channels (int): Channels of the map of the skip connection, to which the
            result is added.
        embed_channels (int): Channels to which each frame's features are compacted.
        norm_cfg (dict | None): Norm layers.
        init_cfg (dict | list[dict], optional): Of mmengine.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embed_channels: int = 64,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.target = nn.Conv2d(in_channels, embed_channels, 1)
        self.reference = nn.Conv2d(in_channels, embed_channels, 1)
        self.output = nn.Conv2d(embed_channels, out_channels, 1)

    def embed_target(self, feats: Tensor) -> Tensor:
        """(B, embed_channels, h, w) of the encoder's map (B, in_channels, h, w)."""
        return self.target(feats)

    def embed_reference(self, feats: Tensor) -> Tensor:
        """(B, embed_channels, h, w) of the encoder's map, for the memory."""
        return self.reference(feats)

    def forward(self, target: Tensor, reference: Tensor) -> Tensor:
        """What the reference frame tells about each pixel of the target frame.

        Args:
            target (Tensor): (B, embed_channels, h, w), or a batch of one for all
                references.
            reference (Tensor): (B, embed_channels, h, w).

        Returns:
            Tensor: (B, out_channels, h, w).
        """
        target = target.expand(len(reference), -1, -1, -1)
        return self.output(self.fuse(torch.cat([target, reference], dim=1)))

    @abstractmethod
    def fuse(self, feats: Tensor) -> Tensor:
        """(B, 2 embed_channels, h, w) to (B, embed_channels, h, w)."""


@MODELS.register_module()
class ConcatConvFusion(ConcatFusion):
    """Concat + CONVS: 2D convolutions "with the same depths of Cascade ASPP".

    A cascade of two ASPPs is six convolutions deep: depthwise, pointwise, projection,
    twice. Here are six of 3x3.

    The other arguments are ``ConcatFusion``'s.

    Args:
        num_convs (int): 3x3 convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embed_channels: int = 64,
        num_convs: int = 6,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, embed_channels, norm_cfg, init_cfg)
        channels = [2 * embed_channels] + [embed_channels] * (num_convs - 1)
        self.convs = nn.Sequential(
            *(
                ConvModule(before, embed_channels, 3, padding=1, norm_cfg=norm_cfg)
                for before in channels
            )
        )

    def fuse(self, feats: Tensor) -> Tensor:
        return self.convs(feats)


@MODELS.register_module()
class ConcatCascadeASPPFusion(ConcatFusion):
    """Concat + Cascade ASPP, as in ViP-DeepLab's next-frame branch.

    Two ASPPs, the second of which reads the input and what the first made of it.

    The other arguments are ``ConcatFusion``'s.

    Args:
        dilations (Sequence[int]): Of both ASPPs.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embed_channels: int = 64,
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, embed_channels, norm_cfg, init_cfg)
        self.first = ASPP(2 * embed_channels, embed_channels, dilations, norm_cfg)
        self.second = ASPP(3 * embed_channels, embed_channels, dilations, norm_cfg)

    def fuse(self, feats: Tensor) -> Tensor:
        return self.second(torch.cat([feats, self.first(feats)], dim=1))
