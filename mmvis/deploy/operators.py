"""Layers that torch cannot export, replaced while a network is exported.

Deformable convolution becomes ONNX's ``DeformConv`` (opset 19), or samples of
``GridSample`` for a runtime that lacks it; RoIAlign becomes ONNX's; the correlation of
two maps becomes products of shifted maps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import torch
from mmcv.ops import RoIAlign
from torch import Tensor

from mmvis.models.stmask import (
    calibrated_convolution,
    deformable_resnet,
    temporal_fusion,
)

from .onnx_operators import deformable, pool_boxes
from .plain_operators import (
    projected,
    projects_first,
    sampled_convolution,
    shifted_correlation,
)

DEFORMABLE = ('DeformConv', 'GridSample')


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
