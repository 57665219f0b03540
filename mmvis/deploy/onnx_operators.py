"""Operators that ONNX has and torch has not: what torch.export and torch.onnx take.

Each is an operator of torch's library ``mmvis``, which torch.export takes as it is and
torch can compute; ``translations`` makes ONNX's of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmcv.ops import roi_align
from torch import Tensor, library

from mmvis.models.stmask.deformable_sampling import deformable_convolution

OPSET = 20


@library.custom_op('mmvis::deformable', mutates_args=())
def deformable(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    bias: Tensor,
    modulation: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """``deformable_convolution`` with a bias and a modulation, which may be ones.

    Each of the groups of channels has offsets and a modulation of its own.
    """
    parts = (
        tensor.chunk(groups, 1) for tensor in (features, offsets, weight, modulation)
    )
    out: Any = bias[:, None, None]
    for maps, shifts, kernel, factors in zip(*parts, strict=True):
        sampling = (None, factors, stride, padding, dilation)
        out = out + deformable_convolution(maps, shifts, kernel, *sampling)
    return out


@deformable.register_fake
def _(features, offsets, weight, bias, modulation, stride, padding, dilation, groups):
    return features.new_empty(features.shape[0], weight.shape[0], *offsets.shape[2:])


@library.custom_op('mmvis::roi_align', mutates_args=())
def pool_boxes(
    features: Tensor,
    boxes: Tensor,
    frames: Tensor,
    size: int,
    scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """mmcv's RoIAlign by averages: boxes (n, 4) of frames (n,) int64 of a batch."""
    rois = torch.cat([frames[:, None].to(boxes), boxes], dim=1)
    if not len(rois):
        return features.new_empty(0, features.shape[1], size, size)
    return roi_align(
        features, rois, (size, size), scale, sampling_ratio, 'avg', aligned
    )


@pool_boxes.register_fake
def _(features, boxes, frames, size, scale, sampling_ratio, aligned):
    return features.new_empty(boxes.shape[0], features.shape[1], size, size)


def translations() -> dict[Callable, Callable]:
    """What torch.onnx makes of these operators, by functions of onnxscript."""
    from onnxscript import opset20 as op

    def to_deform_conv(
        features, offsets, weight, bias, modulation, stride, padding, dilation, groups
    ):
        return op.DeformConv(
            features,
            weight,
            offsets,
            bias,
            modulation,
            strides=list(stride),
            pads=[*padding, *_ends(weight.shape[2:], stride, padding, dilation)],
            dilations=list(dilation),
            offset_group=groups,
        )

    def to_roi_align(features, boxes, frames, size, scale, sampling_ratio, aligned):
        mode = 'half_pixel' if aligned else 'output_half_pixel'
        return op.RoiAlign(
            features,
            boxes,
            frames,
            output_height=size,
            output_width=size,
            spatial_scale=scale,
            sampling_ratio=sampling_ratio,
            coordinate_transformation_mode=mode,
        )

    ours: Any = torch.ops.mmvis
    return {
        ours.deformable.default: to_deform_conv,
        ours.roi_align.default: to_roi_align,
    }


def _ends(
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:
    """Padding below and right: an even kernel that keeps the size needs one more."""
    return [
        reach * (taps - 1) - before if step == 1 else before
        for taps, step, before, reach in zip(
            kernel, stride, padding, dilation, strict=True
        )
    ]
