"""Time of deformable convolutions, beside mmcv's ops and torch's grid_sample.

The three are the package's own sums of rows, mmcv's op (for a CPU: loops over single
numbers), and ``grid_sample`` of every tap with one matrix product. How they are timed:
see least_times.py.

Sizes are those of a 640x384 input: predictions of STMask with ResNet-50 on P3, its
deformable blocks (the first of each stage has stride 2), and predictions of a batch
with a small network. Run it with one and with two threads, on a machine that does
nothing else:

    python tools/benchmarks/deformable.py --threads 1 [--out times.json]

Ratios are times of the other way divided by the package's: above 1, the package wins.
"""

import argparse
import math
from functools import partial
from typing import NamedTuple

import torch
from measuring.least_times import TimeTable, add_arguments, measure
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--cases', nargs='+', help='names of layers; all by default')
    parser.add_argument('--shrink', type=int, default=1, help='divides the channels')
    add_arguments(parser, rounds=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f'{args.threads} threads')
    table = TimeTable({'layer': 10, 'kernel': 8}, reference='package')
    ways = {'package': by_package, 'mmcv': by_mmcv, 'grid_sample': by_grid_sample}
    for case in CASES:
        if args.cases and case.name not in args.cases:
            continue
        channels, outputs = case.channels // args.shrink, case.outputs // args.shrink
        case = case._replace(channels=channels, outputs=outputs)
        rows = measure(
            {name: partial(way, case) for name, way in ways.items()},
            make_inputs(case),
            args.rounds,
            # Where a sample falls on a cell by rounding, its slope is another one.
            tolerance=1e-3,
        )
        kernel = '{}x{}'.format(*case.kernel)
        table.add(case._asdict() | dict(layer=case.name, kernel=kernel), rows)
    table.write(args)


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


if __name__ == '__main__':
    main()
