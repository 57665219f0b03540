"""What a second process is worth: training and testing by one rank and by two.

    python tools/benchmarks/ranks.py --out R.json --page docs/en/distributed.md

A tiny STMask learns from generated videos of 360x640, --batch clips a step over all
ranks, each rank with one thread and reading its own data; then it is tested on them.
Beside one and two ranks (gloo) are two trainings that know nothing of each other: what
the machine can do at best with two processes. For each, medians over the iterations
behind the first few: the clock's time of an iteration (in testing, of a chunk of
frames), and the CPU time of a clip or chunk in all ranks together, which says more on
a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring.pages import rows_of, write_table

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/tiny/stmask_tiny_videos.py'
TIMED = Path(__file__).with_name('measuring') / 'timed_rank.py'
WAYS = {
    'one': 'one rank',
    'two': 'two ranks',
    'apart': 'two that know nothing of each other',
}
WARM_UP = 3


def table(report: dict) -> str:
    """Rows of ways; ratios are to one rank."""
    head = ['', 'training: s an iteration', 'CPU s a clip', 'testing: s', 'CPU s']
    one, rows = report['ways']['one'], []
    for way, words in WAYS.items():
        row = report['ways'][way]
        cells = [words]
        for kind in ('train', 'test'):
            for unit in ('wall_s', 'cpu_s'):
                key = f'{kind}_{unit}'
                cells.append(
                    f'{row[key]:.2f} ({row[key] / one[key]:.2f})' if key in row else '-'
                )
        rows.append(cells)
    return rows_of(head, rows)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--iterations', type=int, default=13)
    parser.add_argument('--batch', type=int, default=4, help='clips over all ranks')
    parser.add_argument('--videos', type=int, default=16)
    parser.add_argument('--frames', type=int, default=8, help='of a video')
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from measuring.clip_pipeline import write_set

    report: dict = dict(iterations=args.iterations, batch=args.batch, ways={})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_set(folder, (360, 640), args.videos, args.frames)
        for way in WAYS:
            report['ways'][way] = measure(folder, way, args)
            print(way, report['ways'][way], flush=True)
    if args.out:
        args.out.write_text(json.dumps(report, indent=1) + '\n')
    print(table(report))
    if args.page:
        write_table(args.page, 'ranks', table(report))


def measure(folder: Path, way: str, args: argparse.Namespace) -> dict[str, float]:
    """Train and test one way."""
    ranks, runs = (2 if way == 'two' else 1), (2 if way == 'apart' else 1)
    loader = f'batch_size={args.batch // (2 if way != "one" else 1)}'
    data = [f'data_root={folder}/']
    for part in ('train_dataloader', 'test_dataloader'):
        data += [f'{part}.num_workers=0', f'{part}.persistent_workers=False']
        data += [f'{part}.dataset.data_root={folder}/']
        data += [f'{part}.dataset.data_prefix.img_path=JPEGImages']
    few = ['val_cfg=None', 'val_dataloader=None', 'val_evaluator=None']
    few += [f'train_dataloader.{loader}', f'train_cfg.max_iters={args.iterations}']
    few += [f'default_hooks.checkpoint.interval={args.iterations}']
    words = [str(CONFIG), '--seed', '0']
    options = ['--cfg-options', *data, *few]
    trained = start(folder, way, 'train', ranks, runs, words, options)
    found = summed(trained, 'train', args.batch)
    if way != 'apart':
        weights = folder / f'{way}_0' / f'iter_{args.iterations}.pth'
        words = [str(CONFIG), str(weights)]
        options = ['--cfg-options', *data]
        tested = start(folder, way, 'test', ranks, runs, words, options)
        found |= summed(tested, 'test', len(tested))
        found['test_wall_s'] /= len(tested)  # each has a chunk of its own
    return found


def start(
    folder: Path,
    way: str,
    kind: str,
    ranks: int,
    runs: int,
    words: list[str],
    options: list[str],
) -> list[list]:
    """Run a script in so many processes; the times of each."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    processes, paths = [], []
    for number in range(ranks * runs):
        path = folder / f'{way}_{kind}_{number}.json'
        run = number if runs > 1 else 0
        environment = os.environ | {'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}
        launcher = []
        if ranks > 1:
            environment |= dict(RANK=str(number), WORLD_SIZE=str(ranks))
            environment |= dict(LOCAL_RANK=str(number), MASTER_ADDR='127.0.0.1')
            environment['MASTER_PORT'] = str(port)
            launcher = ['--launcher', 'pytorch']
        command = [
            sys.executable,
            str(TIMED),
            str(path),
            str(ROOT / f'tools/{kind}.py'),
        ]
        command += [*words, '--work-dir', str(folder / f'{way}_{run}')]
        command += [*launcher, *options]
        processes.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        )
        paths.append(path)
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit(f'{kind}.py ended with {codes}.')
    return [json.loads(path.read_text()) for path in paths]


def summed(times: list[list], kind: str, items: int) -> dict[str, float]:
    """Medians of the clock, and CPU seconds of all processes for each item."""
    steps = [
        [
            (after[0] - before[0], after[1] - before[1])
            for before, after in zip(rank[WARM_UP:], rank[WARM_UP + 1 :], strict=False)
        ]
        for rank in times
    ]
    cpu = sum(statistics.median(cpu for cpu, _ in rank) for rank in steps)
    wall = max(statistics.median(wall for _, wall in rank) for rank in steps)
    return {f'{kind}_wall_s': wall, f'{kind}_cpu_s': cpu / items}


if __name__ == '__main__':
    main()
