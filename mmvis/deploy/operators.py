"""Operators of mmcv and mmvis that torch cannot export, in a form that it can.

While a network is exported, three kinds of layers are replaced. Deformable convolution
becomes ONNX's ``DeformConv`` (opset 19), or samples of ``GridSample`` for a runtime
that lacks it; RoIAlign becomes ONNX's; the correlation of two maps becomes products of
shifted maps. What has an ONNX operator of its own is an operator of torch's library
``mmvis`` in between, which torch.export takes as it is and torch can compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from mmcv.ops import RoIAlign, roi_align
from torch import Tensor, library
from torch.nn.functional import conv2d, grid_sample, pad

from mmvis.models.stmask import (
    calibrated_convolution,
    deformable_resnet,
    temporal_fusion,
)
from mmvis.models.stmask.deformable_sampling import deformable_convolution

OPSET = 20
DEFORMABLE = ('DeformConv', 'GridSample')


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


def sampled_convolution(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    modulation: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
) -> Tensor:
    """A deformable convolution by GridSample: one sampled map a tap, one product.

    Args are those of :func:`deformable_convolution`. Samples further than a cell
    outside read zeros, as there.
    """
    sampling = (stride, padding, dilation)
    if modulation is None and projects_first(weight, stride):
        products, offsets, ones = projected(features, offsets, weight, *sampling)
        count = weight[0, 0].numel()
        # One GridSample: each tap's map and places as a frame of its own.
        maps = products.unflatten(1, (count, -1)).flatten(0, 1)
        shifts = offsets.unflatten(1, (count, 2)).flatten(0, 1)
        identity = ones[:, : len(weight)]
        out = sampled_convolution(maps, shifts, identity)
        out = out.unflatten(0, (-1, count)).sum(1)
        return out if bias is None else out + bias[:, None, None]
    height, width = features.shape[-2:]
    rows, columns = offsets.shape[-2:]
    options: dict[str, Any] = dict(dtype=offsets.dtype, device=offsets.device)
    y = (torch.arange(rows, **options) * stride[0] - padding[0])[:, None]
    x = torch.arange(columns, **options) * stride[1] - padding[1]
    taps = []
    for tap in range(weight.shape[2] * weight.shape[3]):
        down, right = divmod(tap, weight.shape[3])
        at_y = y + down * dilation[0] + offsets[:, 2 * tap]
        at_x = x + right * dilation[1] + offsets[:, 2 * tap + 1]
        # From cells to GridSample's [-1, 1] between the outer borders of the map.
        grid = torch.stack(
            [(at_x * 2 + 1) / width - 1, (at_y * 2 + 1) / height - 1], dim=-1
        )
        sample = grid_sample(features, grid.clamp(-9, 9), align_corners=False)
        if modulation is not None:
            sample = sample * modulation[:, tap : tap + 1]
        taps.append(sample)
    columns_of_taps = torch.stack(taps, dim=2).flatten(1, 2).flatten(2)
    out = weight.flatten(1) @ columns_of_taps
    if bias is not None:
        out = out + bias[:, None]
    return out.unflatten(2, (rows, columns))


def projects_first(weight: Tensor, stride: Sequence[int]) -> bool:
    """Whether products with each tap of a kernel are fewer numbers than its samples."""
    return (
        weight[0, 0].numel() > 1
        and len(weight) < weight.shape[1]
        and set(stride) == {1}
    )


def projected(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> tuple[Tensor, Tensor, Tensor]:
    """A deformable convolution as one of kernel 1 over products with its taps.

    Sampling is linear, as the product is: what comes first has the smaller result.

    Returns:
        tuple: Products (B, taps * O, H, W); offsets (B, 2 * taps, H', W') of each tap's
        own O channels from the place itself; the weight (O, taps * O, 1, 1), which sums
        over taps.
    """
    outputs, channels, height, width = weight.shape
    taps = height * width
    kernels = weight.flatten(2).permute(2, 0, 1).reshape(taps * outputs, channels, 1, 1)
    reach = [
        steps[axis] * dilation[axis] - padding[axis]
        for tap in range(taps)
        for steps in (divmod(tap, width),)
        for axis in (0, 1)
    ]
    moved = offsets + torch.tensor(reach).to(offsets)[:, None, None]
    ones = torch.eye(outputs).to(weight).repeat(1, taps)[..., None, None]
    return conv2d(features, kernels), moved, ones


def shifted_correlation(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """``local_correlation`` as products of one map with shifts of the other.

    Args and result are those of :func:`local_correlation`.
    """
    radius = patch_size // 2
    height, width = first.shape[-2:]
    padded = pad(second, (radius,) * 4)
    # (B, P, C, H + P - 1, W): all the shifts to the side, then row by row.
    beside = torch.stack([padded[..., j : j + width] for j in range(patch_size)], dim=1)
    rows = [
        (first[:, None] * beside[..., i : i + height, :]).sum(2)
        for i in range(patch_size)
    ]
    return torch.stack(rows, dim=1)


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


def _sides(value: int | Sequence[int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _as_operator(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    modulation: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """As :func:`deformable_convolution`, for DeformConv."""
    sampling = _sides(stride), _sides(padding), _sides(dilation)
    groups = 1
    if modulation is None and projects_first(weight, sampling[0]):
        groups = weight[0, 0].numel()
        features, offsets, weight = projected(features, offsets, weight, *sampling)
        sampling = [1, 1], [0, 0], [1, 1]
    if bias is None:
        bias = weight.new_zeros(weight.shape[0])
    if modulation is None:
        modulation = torch.ones_like(offsets[:, ::2])
    return deformable(features, offsets, weight, bias, modulation, *sampling, groups)


def _pool_rois(layer: RoIAlign, features: Tensor, rois: Tensor) -> Tensor:
    """``RoIAlign.forward`` by the operator."""
    size = layer.output_size[0]
    settings = float(layer.spatial_scale), int(layer.sampling_ratio), layer.aligned
    return pool_boxes(features, rois[:, 1:], rois[:, 0].long(), size, *settings)


@contextmanager
def exportable_operators(deformable_by: str = 'DeformConv') -> Iterator[None]:
    """Networks are made of operators that torch can export.

    Args:
        deformable_by (str): Of :data:`DEFORMABLE`.
    """

    def sampled(features, offsets, weight, bias=None, modulation=None, *args, **kwargs):
        names = ('stride', 'padding', 'dilation')
        given = dict(zip(names, args, strict=False)) | kwargs
        sampling = {name: _sides(value) for name, value in given.items()}
        return sampled_convolution(
            features, offsets, weight, bias, modulation, **sampling
        )

    convolve = _as_operator if deformable_by == 'DeformConv' else sampled
    with (
        patch.object(calibrated_convolution, 'deformable_convolution', convolve),
        patch.object(deformable_resnet, 'deformable_convolution', convolve),
        patch.object(temporal_fusion, 'local_correlation', shifted_correlation),
        patch.object(RoIAlign, 'forward', _pool_rois),
    ):
        yield
