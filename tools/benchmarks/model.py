"""Time of a video model's frame, split by stage, beside other ways to compute it.

    python tools/benchmarks/model.py configs/stmask_r50.py \\
        --against configs/masktrack_rcnn_r50.py --variants channels_last fused_bn \\
        --threads 2 --out benchmark.json

Weights are random unless --checkpoint is given, and frames are generated: noise that
slides. Every frame is made to have --objects instances, which NMS, tracker and masks
treat as they would a trained network's (see forced_instances.py); --objects 0 leaves
the detections to the weights.

Timed is what happens between a normalised, padded frame and its tracked run-length
masks of the original size; reading and scaling frames is not. The ways that are
compared take turns in one process, a chunk of frames each, in an order that changes
from round to round; ratios are medians over the rounds of a way's time by that of
single frames in the same round, so that they hold on a busy machine as well. The table
of stages comes from further rounds, with stopwatches around the stages.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from measuring.stage_times import NETWORK, STAGES, stage_times

if TYPE_CHECKING:
    from measuring.ways_to_predict import Way

VARIANTS = ('channels_last', 'compile', 'fused_bn')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='of the model')
    parser.add_argument('--checkpoint', help='its weights; random ones otherwise')
    parser.add_argument('--against', help='config of another model, random weights')
    parser.add_argument('--objects', type=int, default=10, help='instances of a frame')
    parser.add_argument('--frames', type=int, default=80, help='timed for each way')
    parser.add_argument('--chunk', type=int, default=8, help='frames of a chunk')
    parser.add_argument('--size', type=int, nargs=2, default=[360, 640])
    parser.add_argument('--original', type=int, nargs=2, default=[720, 1280])
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--variants', nargs='*', default=[], choices=VARIANTS)
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import torch
    from measuring.ways_to_predict import make_ways

    torch.set_num_threads(args.threads)
    load_before = os.getloadavg()[0]
    ways = make_ways(args)
    failed = warm_up(ways)
    times = compare(ways, rounds=max(1, round(args.frames / args.chunk)))
    report = dict(
        settings=dict(vars(args), out=None),
        load_before=load_before,
        load_after=os.getloadavg()[0],
        ways=[ratios(name, times) | ways[name].counts() for name in times],
        failed=failed,
        stages={
            way.label: split(way, rounds=max(1, round(args.frames / args.chunk / 2)))
            for way in ways.values()
            if way.label
        },
    )
    print_report(report)
    if args.out:
        args.out.write_text(json.dumps(report, indent=1))


def warm_up(ways: dict[str, Way]) -> dict[str, str]:
    """Run every way once; take out those that fail, and return them with the reason."""
    failed = {}
    for name, way in list(ways.items()):
        try:
            way.run()
        except Exception as error:
            # Only compiling may fail: what it takes differs from machine to machine.
            if name != 'compile':
                raise
            failed[name] = f'{type(error).__name__}: {str(error).strip()[:300]}'
            del ways[name]
    return failed


def compare(ways: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Seconds of a frame, of each way in each round."""
    times = {name: [] for name in ways}
    names = list(ways)
    for round_ in range(rounds):
        shift = round_ % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(ways[name].run())
    return times


def ratios(name: str, times: dict[str, list[float]]) -> dict[str, float | str]:
    """A way's times in ms, and their ratios to those of single frames."""
    from measuring.ways_to_predict import SINGLE

    pairs = zip(times[name], times[SINGLE], strict=True)
    return dict(
        way=name,
        median_ms=1000 * median(times[name]),
        least_ms=1000 * min(times[name]),
        ratio=median(own / single for own, single in pairs),
        ratio_of_least=min(times[name]) / min(times[SINGLE]),
    )


def split(way: Way, rounds: int) -> dict[str, float | dict[str, float]]:
    """Milliseconds of each stage (medians), and the share of what is no network."""
    parts: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with stage_times(way.model, way.stopwatch):
        for _ in range(rounds):
            way.run()
            for stage in STAGES:
                seconds = way.stopwatch.seconds[stage]
                parts[stage].append(1000 * seconds / len(way.frames))
    stages = {stage: median(values) for stage, values in parts.items()}
    network = sum(stages[stage] for stage in NETWORK)
    total = sum(stages.values())
    return dict(
        ms=stages, network_ms=network, total_ms=total, no_network=1 - network / total
    )


def print_report(report: dict) -> None:
    """The report as text."""
    settings = report['settings']
    height, width = settings['size']
    print(
        f'{height}x{width} input, {"x".join(map(str, settings["original"]))} original, '
        f'{settings["objects"]} instances, {settings["threads"]} threads, '
        f'{settings["device"]}; load average {report["load_before"]:.1f} before, '
        f'{report["load_after"]:.1f} after'
    )
    if report['load_before'] > 0.5:
        print('The machine was busy: trust the ratios, not the times.')
    print(f'\n{"way":44s}' + f'{"ms":>9s}{"least":>9s}{"ratio":>8s}{"of least":>10s}')
    for row in report['ways']:
        print(
            f'{row["way"][-43:]:44s}{row["median_ms"]:9.1f}{row["least_ms"]:9.1f}'
            f'{row["ratio"]:8.3f}{row["ratio_of_least"]:10.3f}'
            f'   {row["instances"]:g} instances, {row["ids"]} ids'
        )
    for name, reason in report['failed'].items():
        print(f'{name:44s} failed: {reason}')
    for label, result in report['stages'].items():
        print(f'\n{label}')
        for stage, value in result['ms'].items():
            if value:
                share = value / result['total_ms']
                print(f'  {stage:20s}{value:9.2f} ms{share:8.1%}')
        print(f'  {"not the network":20s}{"":12s}{result["no_network"]:8.1%}')


if __name__ == '__main__':
    main()
