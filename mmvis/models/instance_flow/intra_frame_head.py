"""Centres of a frame's instances and offsets to them (InstanceFlow, III-B1)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mmvis.registry import MODELS

from .deeplab_decoder import PixelPredictor
from .deeplab_head import DeepLabHead


@MODELS.register_module()
class IntraFrameHead(DeepLabHead):
    """Heatmap of the centres and each pixel's offset to its instance's centre.

    The other arguments are ``DeepLabHead``'s.

    Args:
        in_channels (Sequence[int]): Channels of C2, C3 and C5.
        head_channels (int): Channels of the predictors.
        offset_unit (float): Pixels of the input that an output of one stands for. With
            few of them short trainings hardly move the offsets.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        aspp_channels: int = 256,
        project_channels: Sequence[int] = (32, 16),
        feat_channels: int = 128,
        head_channels: int = 32,
        offset_unit: float = 16.0,
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            *(in_channels, aspp_channels, project_channels, feat_channels),
            *(dilations, norm_cfg, init_cfg),
        )
        self.offset_unit = offset_unit
        self.center = PixelPredictor(feat_channels, head_channels, 1, norm_cfg)
        self.offset = PixelPredictor(feat_channels, head_channels, 2, norm_cfg)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Predictions of stride 4 from C2, C3 and C5.

        Returns:
            tuple[Tensor, Tensor]: The heatmap (B, 1, h, w), which is linear, and the
            offsets (B, 2, h, w), centre less pixel, x before y, in pixels of the input.
        """
        finest = self.decode(feats)[-1]
        return self.center(finest), self.offset(finest) * self.offset_unit
