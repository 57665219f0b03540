"""Deformable layers of STMask, and ways to compute them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from mmcv.ops import deform_conv2d, modulated_deform_conv2d
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from mmvis.models.stmask.deformable_sampling import deformable_convolution


class Case(NamedTuple):
    """A layer: images, channels in and out, map, kernel, stride, DCNv2 or not."""

    name: str
    batch: int
    channels: int
    outputs: int
    size: tuple[int, int]
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    modulated: bool = False

    @property
    def padding(self) -> tuple[int, int]:
        return self.kernel[0] // 2, self.kernel[1] // 2


KERNELS = ((3, 3), (3, 5), (5, 3))
CASES = [Case('small', 8, 64, 64, (24, 40), kernel) for kernel in KERNELS]
CASES += [Case('features', 1, 256, 256, (48, 80), kernel) for kernel in KERNELS]
CASES += [Case('classes', 1, 256, 41, (48, 80), kernel) for kernel in KERNELS]
for stage, (channels, size) in enumerate(
    [(128, (48, 80)), (256, (24, 40)), (512, (12, 20))], 2
):
    double = (2 * size[0], 2 * size[1])
    sides = dict(batch=1, channels=channels, outputs=channels, modulated=True)
    CASES.append(Case(f'layer{stage}.0', size=double, stride=2, **sides))
    CASES.append(Case(f'layer{stage}', size=size, **sides))


def make_inputs(case: Case) -> list[Tensor]:
    """Features, offsets, weights and, of DCNv2, the modulation."""
    torch.manual_seed(0)
    taps = math.prod(case.kernel)
    places = tuple(side // case.stride for side in case.size)
    tensors = [
        torch.randn(case.batch, case.channels, *case.size),
        2 * torch.randn(case.batch, 2 * taps, *places),
        torch.randn(case.outputs, case.channels, *case.kernel) / taps,
        torch.rand(case.batch, taps, *places),
    ]
    return [t.requires_grad_() for t in tensors[: 4 if case.modulated else 3]]


def by_package(
    case: Case,
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    modulation: Tensor | None = None,
) -> Tensor:
    return deformable_convolution(
        features, offsets, weight, None, modulation, case.stride, case.padding
    )


def by_mmcv(
    case: Case,
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    modulation: Tensor | None = None,
) -> Tensor:
    options = (case.stride, case.padding)
    if modulation is None:
        return deform_conv2d(features, offsets, weight, *options)
    return modulated_deform_conv2d(
        features, offsets, modulation, weight, None, *options
    )


def by_grid_sample(
    case: Case,
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    modulation: Tensor | None = None,
) -> Tensor:
    """Samples (B, C, taps, places) of a map with a ring of zeros, then a product."""
    (height, width), (kh, kw) = case.size, case.kernel
    places = offsets.shape[-2:]
    y, x = offsets.unflatten(1, (kh, kw, 2)).unbind(3)
    down, right = (
        torch.arange(side) * case.stride + torch.arange(taps)[:, None] - taps // 2
        for side, taps in zip(places, case.kernel, strict=True)
    )
    y, x = y + down[:, None, :, None], x + right[:, None, :]
    # From cell numbers to [-1, 1], between the centres of the outermost cells.
    grid = torch.stack([2 * (x + 1) / (width + 1), 2 * (y + 1) / (height + 1)], -1) - 1
    ringed = pad(features, (1, 1, 1, 1))
    samples = grid_sample(ringed, grid.flatten(1, 2).flatten(2, 3), align_corners=True)
    if modulation is not None:
        samples = samples * modulation.flatten(2)[:, None]
    return (weight.flatten(1) @ samples.flatten(1, 2)).unflatten(2, places)


WAYS = {'package': by_package, 'mmcv': by_mmcv, 'grid_sample': by_grid_sample}
