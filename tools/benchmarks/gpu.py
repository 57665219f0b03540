"""What a GPU computes, and how fast: five models in minutes, every part by itself.

    python tools/benchmarks/gpu.py --out gpu.json            # about four minutes
    python tools/benchmarks/gpu.py --device cpu --quick      # the same, small, anywhere

Weights are random and frames are noise that slides, each with --objects instances (see
measuring/forced_instances.py). In this order: the operators beside the CPU's; for each
model the network alone and whole frames, one and --chunk at a time, as it is and
recorded as CUDA graphs, in fp32, fp16 and bf16; kernels a frame and how long the card
is busy with them; its exported frame network by ONNX Runtime's CUDA provider in fp32
and fp16 (with onnxruntime-gpu, onnx and onnxscript); training steps. A part that fails
says so and the rest goes on; no part begins when --minutes are over. The json is
written again after each.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ('stmask', 'sg_net', 'masktrack_rcnn', 'tfan', 'instance_flow')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--models', nargs='+', default=MODELS, choices=MODELS)
    parser.add_argument('--objects', type=int, default=10, help='instances of a frame')
    parser.add_argument('--chunk', type=int, default=8, help='frames at a time')
    parser.add_argument('--frames', type=int, default=48, help='timed for each row')
    parser.add_argument('--size', type=int, nargs=2, default=[360, 640])
    parser.add_argument('--original', type=int, nargs=2, default=[720, 1280])
    parser.add_argument('--minutes', type=float, default=4.0, help='then it ends')
    parser.add_argument(
        '--quick', action='store_true', help='tiny models and frames, a look at each'
    )
    parser.add_argument('--out', type=Path, help='json file of all numbers')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    args = parser.parse_args(argv)
    if args.quick:
        args.size, args.original = [96, 160], [192, 320]
        args.chunk, args.frames, args.objects = 2, 2, 3
    return args


def config_of(model: str, quick: bool) -> str:
    """The config that a model is measured with."""
    name = f'tiny/{model}_tiny_synthvis' if quick else f'{model}_r50'
    return str(ROOT / f'configs/{name}.py')


class Report:
    """Numbers of all parts, printed and written as they come.

    Args:
        args (argparse.Namespace): Of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.out = args.out
        self.until = time.monotonic() + 60 * args.minutes
        self.content: dict = dict(
            settings=dict(vars(args), out=None, page=None), parts={}
        )

    def part(self, name: str, measure: Callable[[], object]) -> None:
        """Measure one part; what goes wrong in it is its result."""
        start = time.monotonic()
        if start > self.until:
            result: object = dict(failed='no time was left')
        else:
            try:
                result = measure()
            except Exception as error:
                said = str(error).strip().split('\n')[0][:200]
                result = dict(failed=f'{type(error).__name__}: {said}')
        self.content['parts'][name] = result
        print(f'{name:34s} {summary(result)}', flush=True)
        if self.out:
            self.content['seconds'] = time.monotonic() - self.until
            self.content['seconds'] += 60 * self.content['settings']['minutes']
            self.out.write_text(json.dumps(self.content, indent=1))


def summary(result: object) -> str:
    """One line of a part's numbers."""
    if not isinstance(result, dict):
        return str(result)
    return '  '.join(
        f'{key} {value:.4g}' if isinstance(value, float) else f'{key} {value}'
        for key, value in result.items()
    )


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from measuring.gpu_exports import exported_times
    from measuring.gpu_parts import (
        compare_operators,
        describe,
        frame_times,
        kernels,
        training_step,
    )
    from measuring.gpu_table import table
    from measuring.pages import write_table

    report = Report(args)
    report.part('machine', lambda: describe(args))
    report.part('operators', lambda: compare_operators(args))
    for name in args.models:
        config = config_of(name, args.quick)
        for precision in ('fp32', 'fp16', 'bf16'):
            for graph in (False, True):
                label = f'{name} {precision}{" graph" * graph}'
                report.part(
                    label,
                    lambda c=config, p=precision, g=graph: frame_times(args, c, p, g),
                )
        report.part(f'{name} kernels', lambda c=config: kernels(args, c))
        for precision in ('fp32', 'fp16'):
            report.part(
                f'{name} exported {precision}',
                lambda c=config, h=precision == 'fp16': exported_times(args, c, h),
            )
    for name in args.models:
        config = config_of(name, args.quick)
        for precision in ('fp32', 'fp16', 'bf16'):
            report.part(
                f'{name} training {precision}',
                lambda c=config, p=precision: training_step(args, c, p),
            )
    if args.page:
        write_table(args.page, 'gpu', table(report.content))


if __name__ == '__main__':
    main()
