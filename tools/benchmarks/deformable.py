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
from functools import partial

from measuring.least_times import TimeTable, add_arguments, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--cases', nargs='+', help='names of layers; all by default')
    parser.add_argument('--shrink', type=int, default=1, help='divides the channels')
    add_arguments(parser, rounds=5)
    args = parser.parse_args()
    import torch
    from measuring.deformable_layers import CASES, WAYS, make_inputs

    torch.set_num_threads(args.threads)
    print(f'{args.threads} threads')
    table = TimeTable({'layer': 10, 'kernel': 8}, reference='package')
    for case in CASES:
        if args.cases and case.name not in args.cases:
            continue
        channels, outputs = case.channels // args.shrink, case.outputs // args.shrink
        case = case._replace(channels=channels, outputs=outputs)
        rows = measure(
            {name: partial(way, case) for name, way in WAYS.items()},
            make_inputs(case),
            args.rounds,
            # Where a sample falls on a cell by rounding, its slope is another one.
            tolerance=1e-3,
        )
        kernel = '{}x{}'.format(*case.kernel)
        table.add(case._asdict() | dict(layer=case.name, kernel=kernel), rows)
    table.write(args)


if __name__ == '__main__':
    main()
