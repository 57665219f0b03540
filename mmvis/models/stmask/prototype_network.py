"""Prototypes: masks of no instance in particular, of which instances are made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmvis.registry import MODELS

XAVIER = dict(type='Xavier', layer='Conv2d', distribution='uniform')


@MODELS.register_module()
class PrototypeNetwork(BaseModule):
    """The branch of Yolact that makes prototypes from P3 (STMask, eq. 9).

    Three 3x3 convolutions at the stride of P3, upsampling by two, one more 3x3
    convolution, and a 1x1 convolution to the prototypes.

    Args:
        in_channels (int): Channels of P3.
        num_prototypes (int): Number of prototypes K.
        feat_channels (int): Channels in between.
        num_convs (int): 3x3 convolutions before the upsampling.
        non_negative (bool): A ReLU after the prototypes, as in Yolact.
        norm_cfg (dict | None): Norm layers after the 3x3 convolutions.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_prototypes: int = 32,
        feat_channels: int = 256,
        num_convs: int = 3,
        non_negative: bool = True,
        norm_cfg: dict | None = None,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.non_negative = non_negative
        channels = [in_channels] + [feat_channels] * num_convs
        self.convs = nn.Sequential(
            *(
                ConvModule(before, after, 3, padding=1, norm_cfg=norm_cfg)
                for before, after in pairwise(channels)
            )
        )
        self.upsampled_conv = ConvModule(
            channels[-1], feat_channels, 3, padding=1, norm_cfg=norm_cfg
        )
        self.num_prototypes = num_prototypes
        self.project = nn.Conv2d(feat_channels, num_prototypes, 1)

    def forward(self, feats: Tensor) -> Tensor:
        """Prototypes (B, K, 2 H, 2 W) of feature maps (B, C, H, W)."""
        upsampled = interpolate(self.convs(feats), scale_factor=2, mode='bilinear')
        prototypes = self.project(self.upsampled_conv(upsampled))
        return prototypes.relu() if self.non_negative else prototypes
