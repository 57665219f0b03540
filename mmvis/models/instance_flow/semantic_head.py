"""Semantic segmentation by several layers of a decoder (InstanceFlow, III-B1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmvis.registry import MODELS

from .deeplab_decoder import PixelPredictor
from .deeplab_head import DeepLabHead


@MODELS.register_module()
class SemanticHead(DeepLabHead):
    """Classes of pixels, predicted at strides 16, 8 and 4 and summed.

    The paper predicts "objects in various sizes with features in different decoder
    layers like FPN" and says no more. Here each layer has a predictor, and the logits
    of the coarse ones are upsampled and added: large objects can be left to them.

    The other arguments are ``DeepLabHead``'s.

    Args:
        num_classes (int): C; the background is one more class, the last.
        in_channels (Sequence[int]): Channels of C2, C3 and C5.
        head_channels (int): Channels of the predictors.
        num_layers (int): Layers that predict, from stride 4 up: 1 to 3.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        aspp_channels: int = 256,
        project_channels: Sequence[int] = (64, 32),
        feat_channels: int = 256,
        head_channels: int = 256,
        num_layers: int = 3,
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            *(in_channels, aspp_channels, project_channels, feat_channels),
            *(dilations, norm_cfg, init_cfg),
        )
        if not 1 <= num_layers <= 3:
            raise ValueError(
                f'SemanticHead.num_layers is {num_layers}, but the decoder has 3 '
                'layers: give 1, 2 or 3.'
            )
        self.num_classes = num_classes
        channels = [aspp_channels, feat_channels, feat_channels][-num_layers:]
        self.predictors = nn.ModuleList(
            PixelPredictor(before, head_channels, num_classes + 1, norm_cfg)
            for before in channels
        )

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Logits (B, C + 1, h, w) of stride 4 from C2, C3 and C5."""
        layers = self.decode(feats)[-len(self.predictors) :]
        logits: Any = 0
        for predictor, layer in zip(self.predictors, layers, strict=True):
            if layer is not layers[0]:
                logits = interpolate(logits, layer.shape[-2:], mode='bilinear')
            logits = logits + predictor(layer)
        return logits
