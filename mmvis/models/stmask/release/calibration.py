"""Calibration of the released STMask: features are sampled, then predicted from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmvis.models.stmask.anchor_convolution import AnchorConvolution, convolve_together
from mmvis.models.stmask.calibrated_convolution import SameDeformConv2d, joined_offsets
from mmvis.models.stmask.calibration_offsets import STDS, build_offset
from mmvis.models.stmask.joined_parameters import JoinedParameters
from mmvis.models.stmask.level_canvas import LevelCanvas
from mmvis.registry import MODELS


@MODELS.register_module()
class CalibratedFeatureConvolution(AnchorConvolution):
    """Features sampled from the regressed box, then a plain prediction, as released.

    A deformable convolution and a ReLU come before the prediction convolution. Both
    have the anchor's kernel. Args are those of ``CalibratedConvolution``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float],
        offset: dict | None = None,
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, init_cfg=init_cfg)
        self.offset = build_offset(offset, kernel_size, anchor_cells, stds)
        self.adaption = SameDeformConv2d(in_channels, in_channels, tuple(kernel_size))

    def forward(  # type: ignore[override]  # deltas are not optional here
        self, features: Tensor, deltas: Tensor
    ) -> Tensor:
        """As ``CalibratedConvolution.forward``."""
        return super().forward(self.adaption(features, self.offset(deltas)).relu())

    @staticmethod
    def on_canvas(
        layers: Sequence[Any],
        features: Tensor,
        deltas: Tensor,
        canvas: LevelCanvas,
        join: JoinedParameters,
    ) -> Tensor:
        """As :meth:`AnchorConvolution.on_canvas`."""
        offsets = joined_offsets(layers, deltas, join)
        convs = [layer.adaption for layer in layers]
        sampled = SameDeformConv2d.on_canvas(convs, features, offsets, canvas, join)
        sampled = canvas.clear(sampled.relu()).to(features.dtype)
        return convolve_together(layers, sampled, join, groups=len(layers))

    # The prediction looks at neighbours, which are of other boxes: not place by place.
    at = None  # type: ignore[assignment]
