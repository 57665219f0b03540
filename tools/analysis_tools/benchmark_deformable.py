"""Time of deformable convolutions, beside mmcv's ops and torch's grid_sample.

The three are the package's own sums of rows, mmcv's op (for a CPU: loops over single
numbers), and ``grid_sample`` of every tap with one matrix product. All run in one
process in turn, on the same random maps, so that their ratios hold on a busy machine
as well; of several rounds the least time counts. Results are compared before anything
is timed.

Sizes are those of a 640x384 input: predictions of STMask with ResNet-50 on P3, its
deformable blocks (the first of each stage has stride 2), and predictions of a batch
with a small network. Run it with one and with two threads, on a machine that does
nothing else:

    python tools/analysis_tools/benchmark_deformable.py --threads 1 [--out times.json]

Ratios are times of the other way divided by the package's: above 1, the package wins.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from mmcv.ops import deform_conv2d, modulated_deform_conv2d
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from mmvis.models.layers.deformable_sampling import deformable_convolution


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

Convolve = Callable[[Case, Tensor, Tensor, Tensor, Tensor | None], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--cases', nargs='+', help='names of layers; all by default')
    parser.add_argument('--shrink', type=int, default=1, help='divides the channels')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--out', type=Path, help='write the table here as json')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = []
    print(f'{args.threads} threads')
    titles = ('forward ms', 'x package', 'fwd + bwd ms', 'x package')
    print(f'{"layer":10s}{"kernel":8s}{"way":12s}', *(f'{t:>13s}' for t in titles))
    for case in CASES:
        if args.cases and case.name not in args.cases:
            continue
        channels, outputs = case.channels // args.shrink, case.outputs // args.shrink
        case = case._replace(channels=channels, outputs=outputs)
        rows = measure(case, args.rounds)
        for row in rows:
            kernel, (way, *values) = '{}x{}'.format(*case.kernel), row.values()
            print(
                f'{case.name:10s}{kernel:8s}{way:12s}',
                *(f'{value:13.2f}' for value in values),
            )
        table += [case._asdict() | row for row in rows]
    if args.out:
        settings = {k: v for k, v in vars(args).items() if k != 'out'}
        args.out.write_text(json.dumps({'settings': settings, 'rows': table}, indent=1))


def measure(case: Case, rounds: int) -> list[dict[str, str | float]]:
    """Least times in ms of each way, forward alone and with the backward pass.

    Args:
        case: the layer.
        rounds: how often each is timed.

    Returns:
        A row for each way, with its times and their ratios to the package's.

    Raises:
        AssertionError: If two of the ways differ by more than rounding.
    """
    ways: dict[str, Convolve] = {
        'package': by_package,
        'mmcv': by_mmcv,
        'grid_sample': by_grid_sample,
    }
    torch.manual_seed(0)
    taps = math.prod(case.kernel)
    places = tuple(side // case.stride for side in case.size)
    tensors = [
        torch.randn(case.batch, case.channels, *case.size),
        2 * torch.randn(case.batch, 2 * taps, *places),
        torch.randn(case.outputs, case.channels, *case.kernel) / taps,
        torch.rand(case.batch, taps, *places),
    ]
    tensors = [tensor.requires_grad_() for tensor in tensors]
    tensors = tensors if case.modulated else tensors[:3]
    grad = torch.randn(case.batch, case.outputs, *places)

    def forward(way: Convolve) -> Tensor:
        with torch.no_grad():
            return way(case, *tensors)

    def both(way: Convolve) -> tuple[Tensor, ...]:
        return torch.autograd.grad(way(case, *tensors), tensors, grad)

    expected = [forward(by_mmcv), *both(by_mmcv)]
    for way in ways.values():
        for one, other in zip([forward(way), *both(way)], expected, strict=True):
            # Where a sample falls on a cell by rounding, its slope is another one.
            assert (one - other).norm() < 1e-3 * other.norm()
    times = {name: {'forward': [], 'both': []} for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name]['forward'].append(seconds(lambda way=way: forward(way)))
            times[name]['both'].append(seconds(lambda way=way: both(way)))
    rows = []
    for name, lists in times.items():
        row: dict[str, str | float] = {'way': name}
        for kind, values in lists.items():
            row[f'{kind}_ms'] = 1000 * min(values)
            row[f'{kind}_ratio'] = min(values) / min(times['package'][kind])
        rows.append(row)
    return rows


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


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == '__main__':
    main()
