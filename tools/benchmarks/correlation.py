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

from measuring.least_times import TimeTable, add_arguments, measure

SIZES = {'P4': (24, 40), 'P3': (48, 80)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--patches', type=int, nargs='+', default=[11, 13])
    parser.add_argument('--batch', type=int, default=1, help='pairs of frames')
    parser.add_argument('--device', default='cpu')
    add_arguments(parser, rounds=7)
    args = parser.parse_args()
    import torch
    from measuring.correlations import make_ways

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


if __name__ == '__main__':
    main()
