"""Time of a TFAN frame by the number K of frames in its memory.

    python tools/benchmarks/references.py configs/tfan_r50.py \\
        --frames 0 1 2 4 8 16 --out benchmark_references.json

Weights are random, frames are noise, and a frame has --objects instances. Every K runs
until its memory is full before it is timed; then all take turns frame by frame, so that
the medians of their ratios to the cascade without augmentation (row "none") hold on a
busy machine too. t and the proposals of a frame are the config's. "MiB" is the memory
of references.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median

from mmvis.engine.command_line import run_command


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='of a TFAN')
    parser.add_argument('--frames', type=int, nargs='+', default=[0, 1, 2, 4, 8, 16])
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
    from measuring.tfan_frames import NONE, Way, build

    torch.set_num_threads(args.threads)
    model = build(args)
    ways = [Way(model, NONE, args), *(Way(model, k, args) for k in args.frames)]
    for way in ways:
        for _ in range(way.model.test_cfg.num_frames + 1):
            way.run()
    times = [[way.run() for way in ways] for _ in range(args.rounds)]
    rows = []
    print(f'{"K":>6s}{"ms":>10s}{"ratio":>8s}{"MiB":>8s}')
    for column, way in enumerate(ways):
        row = dict(
            frames=way.frames,
            ms=1000 * median(round_[column] for round_ in times),
            ratio=median(round_[column] / round_[0] for round_ in times),
            mib=way.state.references.num_bytes / 2**20,
        )
        rows.append(row)
        print(f'{row["frames"]!s:>6s}{row["ms"]:10.1f}{row["ratio"]:8.3f}', end='')
        print(f'{row["mib"]:8.1f}')
    if args.out:
        args.out.write_text(json.dumps(dict(vars(args), out=None, rows=rows), indent=1))


if __name__ == '__main__':
    run_command(main)
