"""Base masks: masks of no instance in particular, from several levels (SG-Net)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmvis.registry import MODELS

# BlendMask's way, which section 4.1 refers to: Kaiming's uniform one with slope 1.
CAFFE2_XAVIER = dict(type='Caffe2Xavier', layer='Conv2d')


@MODELS.register_module()
class BaseMaskModule(BaseModule):
    """The base mask module of SG-Net (section 3.2).

    Levels from P3 on are brought to the size of P3 and put side by side; 3x3
    convolutions, a 1x1 convolution to fewer channels, upsampling, and a 1x1 convolution
    to the base masks follow.

    The paper convolves features that are zeroed outside of a box, once for each
    instance. A 1x1 convolution sees one pixel, so that once for the frame gives the
    same masks inside of the boxes, and nothing else is looked at. It commutes with
    bilinear upsampling as well, the weights of which sum to one: here it comes before,
    and what is upsampled are the base masks.

    Args:
        in_channels (int): Channels of every level.
        num_levels (int): Levels that are used: 3 are P3 to P5 (Table 5).
        feat_channels (int): Channels of the 3x3 convolutions.
        num_convs (int): 3x3 convolutions; 0 leaves them out.
        base_channels (int): Channels that are upsampled in the paper.
        num_base_masks (int): K, as many as the blender takes.
        upsample (int): Factor from the size of P3 (Table 4).
        norm_cfg (dict | None): Norm layers after the 3x3 convolutions.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_levels: int = 3,
        feat_channels: int = 128,
        num_convs: int = 2,
        base_channels: int = 36,
        num_base_masks: int = 36,
        upsample: int = 4,
        norm_cfg: dict | None = None,
        init_cfg: dict | Sequence[dict] | None = CAFFE2_XAVIER,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_levels = num_levels
        self.upsample = upsample
        channels = [num_levels * in_channels] + [feat_channels] * num_convs
        self.convs = nn.Sequential(
            *(
                ConvModule(before, after, 3, padding=1, norm_cfg=norm_cfg)
                for before, after in pairwise(channels)
            )
        )
        self.reduce = nn.Conv2d(channels[-1], base_channels, 1)
        self.project = nn.Conv2d(base_channels, num_base_masks, 1)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Base masks of a feature pyramid.

        Args:
            feats (Sequence[Tensor]): Levels (B, C, H_l, W_l) from P3 on; those beyond
                ``num_levels`` are not used.

        Returns:
            Tensor: (B, K, H_3 * upsample, W_3 * upsample).

        Raises:
            ValueError: If there are fewer levels than ``num_levels``.
        """
        if len(feats) < self.num_levels:
            raise ValueError(
                f'{self.num_levels} levels are needed for base masks, but there are '
                f'{len(feats)}.'
            )
        first, *others = feats[: self.num_levels]
        levels = [
            interpolate(level, first.shape[-2:], mode='bilinear') for level in others
        ]
        feats = self.reduce(self.convs(torch.cat([first, *levels], 1))).relu()
        base_masks = self.project(feats)
        if self.upsample == 1:
            return base_masks
        return interpolate(base_masks, scale_factor=self.upsample, mode='bilinear')
