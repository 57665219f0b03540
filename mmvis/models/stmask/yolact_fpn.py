"""The feature pyramid of Yolact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmdet.models.necks import FPN

from mmvis.registry import MODELS


@MODELS.register_module()
class YolactFPN(FPN):
    """mmdet's FPN as Yolact and STMask have it.

    Maps are upsampled bilinearly on the way down. A ReLU follows the 3x3 convolutions
    that give P3-P5, but neither the lateral ones nor those with stride 2 that make P6
    of P5 and P7 of P6, so that P6 and P7 have negative values too.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's levels.
        out_channels (int): Channels of all pyramid levels.
        num_outs (int): Number of pyramid levels.
        start_level (int): The backbone's first level in use; 1 is C3.
        **kwargs: Those of mmdet's FPN: norm_cfg, conv_cfg, end_level, init_cfg.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        num_outs: int = 5,
        start_level: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            list(in_channels),
            out_channels,
            num_outs,
            start_level=start_level,
            add_extra_convs='on_output',
            upsample_cfg=dict(mode='bilinear', align_corners=False),
            **kwargs,
        )
        for i in range(len(self.lateral_convs)):
            self.fpn_convs[i] = ConvModule(
                out_channels,
                out_channels,
                3,
                padding=1,
                conv_cfg=kwargs.get('conv_cfg'),
                norm_cfg=kwargs.get('norm_cfg'),
            )
