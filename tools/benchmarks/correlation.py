"""Time of the local correlation, beside two simple ways to compute it.

The three are the package's own tiles of matrix products, a plain loop over the
displacements (each a product and a sum over the channels), and one product of all pairs
of places of which the near ones are read. The latter two are differentiated by torch.
On a GPU mmcv's op is a fourth. How they are timed: see least_times.py.

Sizes are P4 and P3 of a 640x384 input, patches those of STMask's Table 3. Run it with
one and with two threads, on a machine that does nothing else:

    python tools/benchmarks/correlation.py --threads 1 [--out times.json]

Ratios are times of the other way divided by the tiles': above 1, the tiles win.
"""

import argparse
from functools import partial

import torch
from measuring.least_times import TimeTable, Way, add_arguments, measure
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.stmask.correlation import TiledCorrelation, mmcv_correlation

SIZES = {'P4': (24, 40), 'P3': (48, 80)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--patches', type=int, nargs='+', default=[11, 13])
    parser.add_argument('--batch', type=int, default=1, help='pairs of frames')
    parser.add_argument('--device', default='cpu')
    add_arguments(parser, rounds=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f'{args.threads} threads, {args.device}, {args.channels} channels')
    table = TimeTable({'level': 6, 'patch': 6}, reference='tiles')
    for level, size in SIZES.items():
        shape = (args.batch, args.channels, *size)
        maps = [
            torch.randn(shape, device=args.device, requires_grad=True) for _ in range(2)
        ]
        for patch in args.patches:
            rows = measure(make_ways(patch, args.device), maps, args.rounds)
            table.add({'level': level, 'patch': patch}, rows)
    table.write(args)


def make_ways(patch_size: int, device: str) -> dict[str, Way]:
    """The ways to correlate maps (B, C, H, W) within a patch of this many cells."""
    ways = {'tiles': TiledCorrelation.apply}
    ways |= {'loop': loop_over_displacements, 'all pairs': all_pairs}
    if torch.device(device).type == 'cuda' and mmcv_correlation():
        ways['mmcv'] = mmcv_correlation()

    def correlate(way: Way, first: Tensor, second: Tensor) -> Tensor:
        return way(first, second, patch_size)

    return {name: partial(correlate, way) for name, way in ways.items()}


def loop_over_displacements(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """The sum over the channels for each displacement by itself."""
    height, width = first.shape[-2:]
    padded = pad(second, (patch_size // 2,) * 4)
    sums = [
        (first * padded[:, :, down : down + height, right : right + width]).sum(1)
        for down in range(patch_size)
        for right in range(patch_size)
    ]
    return torch.stack(sums, 1).unflatten(1, (patch_size, patch_size))


def all_pairs(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """One product of the whole maps; a strided view of it has the near pairs."""
    batch, _, height, width = first.shape
    padded = pad(second, (patch_size // 2,) * 4)
    row = padded.shape[-1]
    pairs = first.flatten(2).mT @ padded.flatten(2)
    cells = pairs.shape[-1]
    shape = (batch, patch_size, patch_size, height, width)
    strides = (height * width * cells, row, 1, width * cells + row, cells + 1)
    return pairs.as_strided(shape, strides).contiguous()


if __name__ == '__main__':
    main()
