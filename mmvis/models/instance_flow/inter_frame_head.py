"""Offsets to the centres of a reference frame (InstanceFlow, III-B2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmengine.model import ModuleList
from torch import Tensor

from mmvis.registry import MODELS

from .deeplab_decoder import PixelPredictor
from .deeplab_head import DeepLabHead


class InterFrameFeatures(NamedTuple):
    """What the inter-frame head makes of each frame by itself.

    Attributes:
        deep (Tensor): (B, C, H/16, W/16), the ASPP's result.
        skips (tuple[Tensor, Tensor]): Projections of C3 and C2, strides 8 and 4.
        targets (tuple[Tensor, Tensor]): What the fusions read of a target frame, of
            strides 16 and 8.
        references (tuple[Tensor, Tensor]): What they read of a reference frame: all
            that has to be remembered of one.
    """

    deep: Tensor
    skips: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    references: tuple[Tensor, ...]


@MODELS.register_module()
class InterFrameHead(DeepLabHead):
    """Where each pixel's instance had its centre in a reference frame.

    A fusion of both frames is added in the first two connections between encoder and
    decoder, from the deep end: **stride 16**, the ASPP's result, and **stride 8**, C3.
    The paper's text leaves open which two those are. "High-level" and "compacted"
    speak for these; in DeepLabV3+ the ASPP is the encoder's last part, and attention at
    stride 4 would compare 25,600 pixels of a 640x640 crop with as many.

    The ASPP and the projections see one frame and are computed once, whatever the
    number of reference frames. ASPP, decoder and predictor have the shapes of
    IntraFrameHead's, whose pre-trained weights they start from.

    The other arguments are ``DeepLabHead``'s.

    Args:
        in_channels (Sequence[int]): Channels of C2, C3 and C5.
        fusion (dict): ``TemporalContextFusion``, or ``ConcatConvFusion`` or
            ``ConcatCascadeASPPFusion`` (Table II).
        embed_channels (Sequence[int]): Channels of the fusions of strides 16 and 8.
        head_channels (int): Channels of the predictor.
        offset_unit (float | None): Pixels of the input that an output of one stands
            for. With few of them short trainings hardly move the offsets. None: it
            gives an affinity field, unit vectors without a unit (Table IV).
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        fusion: dict,
        aspp_channels: int = 256,
        project_channels: Sequence[int] = (32, 16),
        feat_channels: int = 128,
        embed_channels: Sequence[int] = (128, 64),
        head_channels: int = 32,
        offset_unit: float | None = 16.0,
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            *(in_channels, aspp_channels, project_channels, feat_channels),
            *(dilations, norm_cfg, init_cfg),
        )
        self.gives_offsets = offset_unit is not None
        self.offset_unit = offset_unit if self.gives_offsets else 1.0
        self.offset = PixelPredictor(feat_channels, head_channels, 2, norm_cfg)
        ends = (
            (aspp_channels, aspp_channels),
            (in_channels[1], project_channels[0]),
        )
        # Not torch's own, in which the fusion's init_cfg has no effect.
        self.temporal_fusions = ModuleList(
            MODELS.build(
                dict(
                    fusion,
                    in_channels=before,
                    out_channels=after,
                    embed_channels=channels,
                )
            )
            for (before, after), channels in zip(ends, embed_channels, strict=True)
        )

    def encode(self, feats: Sequence[Tensor]) -> InterFrameFeatures:
        """What can be computed of each frame (B, C_l, H_l, W_l) without the other."""
        _, skip, deep = feats
        deep = self.aspp(deep)
        fusions: tuple[Any, ...] = tuple(
            zip(self.temporal_fusions, (deep, skip), strict=True)
        )
        return InterFrameFeatures(
            deep=deep,
            skips=self.decoder.project(feats[1::-1]),
            targets=tuple(fusion.embed_target(x) for fusion, x in fusions),
            references=tuple(fusion.embed_reference(x) for fusion, x in fusions),
        )

    def forward(
        self, target: InterFrameFeatures, references: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Offsets of a target frame to the centres of its references.

        Args:
            target (InterFrameFeatures): Of B frames, or of one for all references.
            references (tuple[Tensor, Tensor]): ``references`` of B frames.

        Returns:
            Tensor: (B, 2, h, w) of stride 4, reference centre less target pixel, x
            before y, in pixels of the input; or an affinity field.
        """
        found = [
            fusion(mine, theirs)
            for fusion, mine, theirs in zip(
                self.temporal_fusions, target.targets, references, strict=True
            )
        ]
        skip, shallow = target.skips
        layers = self.decoder(target.deep + found[0], (skip + found[1], shallow))
        return self.offset(layers[-1]) * self.offset_unit
