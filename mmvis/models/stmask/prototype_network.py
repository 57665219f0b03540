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
    convolution, and a 1x1 convolution to the prototypes. At the paper's sizes an object
    of 100 pixels is 25 cells of its mask wide; where objects are smaller than that,
    further upsamplings make masks as fine.

    Args:
        in_channels (int): Channels of P3.
        num_prototypes (int): Number of prototypes K.
        feat_channels (int): Channels in between.
        num_convs (int): 3x3 convolutions before the upsampling.
        non_negative (bool): A ReLU after the prototypes, as in Yolact.
        norm_cfg (dict | None): Norm layers after the 3x3 convolutions.
        num_upsamplings (int): How often maps are made twice as large: 1 in Yolact. Each
            further one halves the channels of the 3x3 convolution behind it.

    Raises:
        ValueError: If there is no upsampling.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_prototypes: int = 32,
        feat_channels: int = 256,
        num_convs: int = 3,
        non_negative: bool = True,
        norm_cfg: dict | None = None,
        num_upsamplings: int = 1,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_upsamplings < 1:
            raise ValueError(
                f'num_upsamplings must be 1 or more, but is {num_upsamplings}.'
            )
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
        widths = [feat_channels // 2**i for i in range(num_upsamplings)]
        self.finer_convs = nn.ModuleList(
            ConvModule(before, after, 3, padding=1, norm_cfg=norm_cfg)
            for before, after in pairwise(widths)
        )
        self.num_prototypes = num_prototypes
        self.project = nn.Conv2d(widths[-1], num_prototypes, 1)

    def forward(self, feats: Tensor) -> Tensor:
        """Prototypes of feature maps (B, C, H, W).

        Returns:
            Tensor: (B, K, f H, f W), where f is two to the power of the upsamplings.
        """
        maps = self.convs(feats)
        for conv in (self.upsampled_conv, *self.finer_convs):
            maps = conv(interpolate(maps, scale_factor=2, mode='bilinear'))
        prototypes = self.project(maps)
        return prototypes.relu() if self.non_negative else prototypes
