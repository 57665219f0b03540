r"""CPU milliseconds of a training step, with both orders of maps in memory.

    python tools/benchmarks/training_step.py stmask_bench instance_flow_bench \
        --out docs/en/training_step.json --page docs/en/speed.md

Both take turns in one process, on the same clips of noise in which discs stand still.
Times are CPU seconds of all threads, the least of the rounds: forward pass and losses,
backward pass, clipping and optimizer. ``VISRunner`` trains with the channels of a pixel
side by side ("channels last") on a CPU.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from itertools import pairwise
from pathlib import Path

from measuring.pages import rows_of, write_table

from mmvis.structures.whole_file import whole_file

ROOT = Path(__file__).resolve().parents[2]
WAYS = 'contiguous', 'channels last'
PARTS = ('forward', 'backward', 'optimizer')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('configs', nargs='+', help='names of configs')
    parser.add_argument('--rounds', type=int, default=6)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--objects', type=int, default=4, help='of a frame')
    parser.add_argument('--clips', type=int, default=2, help='of a step')
    parser.add_argument('--size', type=int, nargs=2, default=[192, 320])
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    parser.set_defaults(device='cpu', quick=False)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import torch

    torch.set_num_threads(args.threads)
    print(f'{"CPU ms":27s}{"order":16s}' + ''.join(f'{p:>11s}' for p in PARTS), 'all')
    rows = []
    for config in args.configs:
        least = measure(args, config)
        for way, times in least.items():
            cells = ''.join(f'{1000 * time:11.1f}' for time in times)
            ratio = sum(times) / sum(least['contiguous'])
            total = f'{1000 * sum(times):8.1f} {ratio:.2f}'
            print(f'{config:27s}{way:16s}{cells}{total}', flush=True)
        rows.append(dict(config=config, seconds=least))
    if args.out:
        settings = {k: vars(args)[k] for k in ('rounds', 'threads', 'clips', 'size')}
        with whole_file(args.out) as file:
            file.write(json.dumps(dict(settings, rows=rows), indent=1) + '\n')
    if args.page:
        write_table(args.page, 'training step', table(rows))


def table(rows: list[dict]) -> str:
    """A row a config: milliseconds of a step in both orders, and their ratio."""
    lines = []
    for row in rows:
        plain, last = (sum(row['seconds'][way]) for way in WAYS)
        times = f'{1000 * plain:.0f}', f'{1000 * last:.0f}'
        lines.append([f'`{row["config"]}`', *times, f'{last / plain:.2f}'])
    return rows_of(['config', *WAYS, 'ratio'], lines)


def measure(args: argparse.Namespace, config: str) -> dict[str, list[float]]:
    """Least seconds of each part of a step, for each order."""
    import torch
    from measuring.gpu_parts import training_batch
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import init_default_scope

    from mmvis.registry import MODELS

    (path,) = ROOT.glob(f'configs/**/{config}.py')
    cfg = Config.fromfile(str(path))
    init_default_scope('mmvis')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    model.init_weights()
    inputs, samples = training_batch(args, 3 if hasattr(model, 'augmentation') else 2)
    inputs, samples = inputs[: args.clips], samples[: args.clips]
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    ways = dict(zip(WAYS, (model, last), strict=True))
    wrappers = {
        way: build_optim_wrapper(model, cfg.optim_wrapper)
        for way, model in ways.items()
    }
    least: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        for way, model in ways.items():
            torch.manual_seed(0)
            marks = [time.process_time()]
            loss, _ = model.parse_losses(model.loss(inputs, copy.deepcopy(samples)))
            marks.append(time.process_time())
            wrappers[way].backward(loss)
            marks.append(time.process_time())
            wrappers[way].step()
            wrappers[way].zero_grad()
            marks.append(time.process_time())
            times = [b - a for a, b in pairwise(marks)]
            best = least.setdefault(way, times)
            least[way] = [min(pair) for pair in zip(best, times, strict=True)]
    return least


if __name__ == '__main__':
    main()
