"""Time of the local correlation, beside two simple ways to compute it.

The three are the package's own tiles of matrix products, a plain loop over the
displacements (each a product and a sum over the channels), and one product of all pairs
of places of which the near ones are read. All run in one process in turn, on the same
random maps, so that their ratios hold on a busy machine as well; of several rounds the
least time counts. The loop and the product of all pairs are differentiated by torch.
Results are compared before anything is timed. On a GPU mmcv's op is a fourth.

Sizes are P4 and P3 of a 640x384 input, patches those of STMask's Table 3. Run it with
one and with two threads, on a machine that does nothing else:

    python tools/analysis_tools/benchmark_correlation.py --threads 1 [--out times.json]

Ratios are times of the other way divided by the tiles': above 1, the tiles win.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.layers.correlation import TiledCorrelation, mmcv_correlation

SIZES = {'P4': (24, 40), 'P3': (48, 80)}

Correlate = Callable[[Tensor, Tensor, int], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--patches', type=int, nargs='+', default=[11, 13])
    parser.add_argument('--batch', type=int, default=1, help='pairs of frames')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', type=Path, help='write the table here as json')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = []
    for level, size in SIZES.items():
        for patch in args.patches:
            shape = (args.batch, args.channels, *size)
            rows = measure(shape, patch, args.rounds, args.device)
            table += [{'level': level, 'patch': patch} | row for row in rows]
    print(f'{args.threads} threads, {args.device}, {args.channels} channels')
    print_table(table)
    if args.out:
        settings = {k: v for k, v in vars(args).items() if k != 'out'}
        args.out.write_text(json.dumps({'settings': settings, 'rows': table}, indent=1))


def measure(
    shape: tuple[int, ...], patch_size: int, rounds: int, device: str
) -> list[dict[str, str | float]]:
    """Least times in ms of each way, forward alone and with the backward pass.

    Args:
        shape: (B, C, H, W) of both maps.
        patch_size: side of the square of displacements, in cells; odd.
        rounds: how often each is timed.
        device: where.

    Returns:
        A row for each way, with its times and their ratios to the tiles'.

    Raises:
        AssertionError: If two of the ways differ by more than rounding.
    """
    ways: dict[str, Correlate] = {'tiles': TiledCorrelation.apply}
    ways |= {'loop': loop_over_displacements, 'all pairs': all_pairs}
    if torch.device(device).type == 'cuda' and mmcv_correlation():
        ways['mmcv'] = mmcv_correlation()
    maps = [torch.randn(shape, device=device, requires_grad=True) for _ in range(2)]
    grad = torch.randn(shape[0], patch_size, patch_size, *shape[2:], device=device)

    def forward(way: Correlate) -> None:
        with torch.no_grad():
            way(*maps, patch_size)

    def both(way: Correlate) -> tuple[Tensor, ...]:
        return torch.autograd.grad(way(*maps, patch_size), maps, grad)

    expected = both(ways['loop'])
    for way in ways.values():
        torch.testing.assert_close(both(way), expected, atol=1e-3, rtol=1e-3)
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
            row[f'{kind}_ratio'] = min(values) / min(times['tiles'][kind])
        rows.append(row)
    return rows


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


def seconds(call: Callable[[], object]) -> float:
    """Time of a call, its work on a GPU included."""
    start = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def print_table(table: list[dict[str, str | float]]) -> None:
    """The rows as text."""
    titles = ('forward ms', 'x tiles', 'fwd + bwd ms', 'x tiles')
    print(f'{"level":6s}{"patch":>6s}  {"way":10s}', *(f'{t:>13s}' for t in titles))
    for row in table:
        values = [
            row[k] for k in ('forward_ms', 'forward_ratio', 'both_ms', 'both_ratio')
        ]
        print(
            f'{row["level"]:6s}{row["patch"]:6d}  {row["way"]:10s}',
            *(f'{value:13.2f}' for value in values),
        )


if __name__ == '__main__':
    main()
