"""Time of an InstanceFlow frame by the number of its reference frames.

    python tools/benchmarks/instance_flow.py \\
        configs/instance_flow_r50_single_scale.py --references 1 2 3 4 5

Weights are random, frames are noise, and a frame has at most --objects instances. Every
number of references runs until its memory is full before it is timed; then all take
turns frame by frame, so that the medians of their ratios to one reference frame hold on
a busy machine too. Row 0 is the model without an inter-frame branch. "MiB" is what is
remembered of the reference frames.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='of an InstanceFlow')
    parser.add_argument('--references', type=int, nargs='+', default=[1, 2, 3, 4, 5])
    parser.add_argument('--rounds', type=int, default=20, help='timed frames of each')
    parser.add_argument('--objects', type=int, default=10, help='instances of a frame')
    parser.add_argument('--size', type=int, nargs=2, default=[384, 640])
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import torch
    from measuring.instance_flow_frames import Way, build

    torch.set_num_threads(args.threads)
    model, cfg = build(args)
    ways = [Way(model, cfg, number, args) for number in (0, *args.references)]
    for way in ways:
        for _ in range(way.number + 1):
            way.run()
    times = [[way.run() for way in ways] for _ in range(args.rounds)]
    rows = []
    print(f'{"references":>10s}{"ms":>10s}{"ratio":>8s}{"MiB":>8s}{"objects":>9s}')
    for column, way in enumerate(ways):
        row = dict(
            references=way.number,
            ms=1000 * median(round_[column] for round_ in times),
            ratio=median(round_[column] / round_[1] for round_ in times),
            mib=way.num_bytes / 2**20,
            objects=way.objects,
        )
        rows.append(row)
        print(f'{row["references"]:10d}{row["ms"]:10.1f}{row["ratio"]:8.3f}', end='')
        print(f'{row["mib"]:8.1f}{row["objects"]:9d}')
    if args.out:
        args.out.write_text(json.dumps(dict(vars(args), out=None, rows=rows), indent=1))


if __name__ == '__main__':
    main()
