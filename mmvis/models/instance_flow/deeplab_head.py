"""What the branches of Panoptic-DeepLab share: an ASPP and a decoder of their own."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor

from .aspp import ASPP
from .deeplab_decoder import DeepLabDecoder


class DeepLabHead(BaseModule):
    """A branch on the encoder's maps C2, C3 and C5 of strides 4, 8 and 16.

    Args:
        in_channels (Sequence[int]): Channels of C2, C3 and C5.
        aspp_channels (int): Channels of the ASPP's result.
        project_channels (Sequence[int]): Channels of the skip connections of strides 8
            and 4.
        feat_channels (int): Channels of the decoder.
        dilations (Sequence[int]): Of the ASPP.
        norm_cfg (dict | None): Norm layers.
        init_cfg (dict | list[dict], optional): Of mmengine.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        aspp_channels: int = 256,
        project_channels: Sequence[int] = (32, 16),
        feat_channels: int = 128,
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        *skip_channels, deep_channels = in_channels
        self.aspp = ASPP(deep_channels, aspp_channels, dilations, norm_cfg)
        self.decoder = DeepLabDecoder(
            aspp_channels,
            skip_channels[::-1],
            project_channels,
            feat_channels,
            norm_cfg,
        )

    def decode(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Results of the decoder's layers, of strides 16, 8 and 4.

        Args:
            feats (Sequence[Tensor]): C2, C3 and C5, (B, C_l, H_l, W_l).
        """
        *skips, deep = feats
        return self.decoder(self.aspp(deep), self.decoder.project(skips[::-1]))
