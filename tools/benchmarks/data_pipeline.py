"""What a training clip costs before the network sees it: by step, and by a loader.

    python tools/benchmarks/data_pipeline.py stmask_r50 instance_flow_r50
    python tools/benchmarks/data_pipeline.py stmask_r50 --workers 4

Videos of 720p are generated: JPEGs of some 200 kB, two or three objects with masks as
lists of run lengths. Each config's own pipeline makes clips of two frames of them, in
this process, with a stopwatch of CPU time at every step. Beside it, in turns, are the
same clips by mmdet's ways of loading masks and of packing frames; the clips are
compared first.

With --workers the config's loader runs with so many processes, and what comes out of it
in a second is printed: frames of a card that takes --steps batches a second wait if it
is less. A core gives what the first table says; more workers than cores give no more.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from measuring.pages import rows_of, write_table

from mmvis.engine.command_line import run_command
from mmvis.structures.whole_file import whole_file

DECODING, PACKING = 'LoadVISFrame: decode', 'PackVISInputs'
# What is neither pixels nor masks.
BESIDE = ('LoadVISFrame', 'RefFrameSample', 'item of the set', 'other')
PARTS = (
    'decoding two JPEGs',
    'masks: loading, scaling, flipping, cropping; frames: scaling',
    'packing',
    'the rest',
)
ALL = 'all'


def table(rows: list[dict]) -> str:
    """CPU milliseconds of a clip by part, and clips a second; two columns a config."""
    head, columns = [''], []
    for row in rows:
        head += [f'`{row["config"]}`', "by mmdet's steps"]
        columns += [row['ms'], row['mmdet_ms']]
    parts = [grouped(column) for column in columns]
    lines = [[name, *(f'{part[name]:.1f}' for part in parts)] for name in (*PARTS, ALL)]
    rates = [f'{1000 / part[ALL]:.0f}' for part in parts]
    lines.append(['clips a second and core', *rates])
    if all('loader' in row for row in rows):
        workers, cells = rows[0]['loader']['workers'], []
        for row in rows:
            loader = row['loader']
            cells += [
                f'{loader["clips_a_second_and_core"]:.0f} (on {loader["cores"]:.2f} '
                f'cores: {loader["clips_a_second"]:.0f} a second)',
                '',
            ]
        lines.append([f'the same of {workers} workers of the loader', *cells])
    return rows_of(head, lines)


def grouped(ms: dict[str, float]) -> dict[str, float]:
    """Milliseconds by the parts of the table."""
    sums = dict.fromkeys((*PARTS, ALL), 0.0)
    for step, value in ms.items():
        part = PARTS[1]
        if step == DECODING:
            part = PARTS[0]
        elif step == PACKING:
            part = PARTS[2]
        elif step in BESIDE:
            part = PARTS[3]
        sums[part] += value
        sums[ALL] += value
    return sums


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', nargs='+', help='file, or name of one of mmvis')
    parser.add_argument('--size', type=int, nargs=2, default=[720, 1280])
    parser.add_argument('--videos', type=int, default=6)
    parser.add_argument('--frames', type=int, default=16, help='of a video')
    parser.add_argument('--clips', type=int, default=24, help='of a round')
    parser.add_argument('--rounds', type=int, default=3, help='the fastest counts')
    parser.add_argument('--workers', type=int, help='of a loader; default: none runs')
    parser.add_argument('--batches', type=int, default=20, help='from the loader')
    parser.add_argument('--steps', type=float, default=8, help='wanted, a second')
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import cv2
    import torch
    from measuring.clip_pipeline import compare, time_loader, training_loader, write_set

    # As in a data worker.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    reports = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_set(folder, tuple(args.size), args.videos, args.frames)
        sizes = [path.stat().st_size for path in folder.rglob('*.jpg')]
        print(f'frames of {sum(sizes) / len(sizes) / 1000:.0f} kB')
        for config in args.config:
            report = compare(config, folder, args.clips, args.rounds)
            print_report(report, args)
            if args.workers:
                loader = training_loader(config, folder)
                rates = time_loader(loader, args.workers, args.batches)
                report['loader'] = rates
                print(
                    f'  {args.workers} workers: {rates["clips_a_second"]:.1f} clips or '
                    f'{rates["batches_a_second"]:.2f} batches a second of '
                    f'{rates["cores"]:.2f} cores, '
                    f'{rates["clips_a_second_and_core"]:.1f} clips a second and core'
                )
            reports.append(report)
    if args.out:
        paths = ('out', 'page')
        settings = {key: value for key, value in vars(args).items() if key not in paths}
        with whole_file(args.out) as file:
            file.write(json.dumps(dict(settings, rows=reports), indent=1) + '\n')
    if args.page:
        write_table(args.page, 'clips', table(reports))


def print_report(report: dict, args: argparse.Namespace) -> None:
    """A config's table."""
    ours, theirs = report['ms'], report['mmdet_ms']
    print(f'{report["config"]}{"":10s}ms a clip   as mmdet')
    for step in sorted(theirs.keys() | ours.keys(), key=lambda s: -ours.get(s, 0.0)):
        print(f'  {step:32s}{ours.get(step, 0.0):8.2f}{theirs.get(step, 0.0):11.2f}')
    print(f'  {"all":32s}{sum(ours.values()):8.2f}{sum(theirs.values()):11.2f}')
    wanted = args.steps * report['batch']
    cores = wanted / report['clips_a_second']
    print(
        f'  {report["clips_a_second"]:.1f} clips a second and core, '
        f'{report["ratio"]:.2f} times as many; {args.steps:g} batches of '
        f'{report["batch"]} a second take {cores:.1f} cores'
    )


if __name__ == '__main__':
    run_command(main)
