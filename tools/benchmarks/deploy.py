#!/usr/bin/env python3
"""Time a frame of each model on a CPU: PyTorch in several settings, exported networks.

All ways run in one process, in turns, so that their ratios hold on a busy machine;
times are CPU seconds of all threads (user and system), the least of several frames.
Weights are random, and hardly anything is found: what is timed is the network, and what
is around it in any frame. A way that fails is a way without a time, with its reason.

    python tools/benchmarks/deploy.py --out docs/en/deploy.json --page docs/en/deploy.md

A json that is there keeps the models that this run has not: each says by itself how it
was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring.pages import rows_of, write_table

MODELS = ('stmask_r50', 'masktrack_rcnn_r50', 'track_by_rtmdet_ins_s')
WAYS = {
    'torch': 'PyTorch as it is',
    'folded': 'PyTorch, batch norms folded into convolutions',
    'channels_last': 'PyTorch, channels last',
    'channels_last_bf16': 'PyTorch, channels last, bfloat16 (`half=True`)',
    'compile': 'PyTorch, `compile=True`',
    'onnxruntime': 'exported, ONNX Runtime',
    'openvino': 'exported, OpenVINO, float32',
    'openvino_half': 'exported, OpenVINO, bfloat16 (`half=True`)',
}


def table(found: dict[str, Any]) -> str:
    """A page's table of what was found, and why some ways have no time."""
    models = sorted(found['models'], key=[*MODELS, *found['models']].index)
    rows = [found['models'][name] for name in models]
    threads = [f'{row["threads"]} thread{"s"[: row["threads"] > 1]}' for row in rows]
    heads = [f'`{name}`, {count}' for name, count in zip(models, threads, strict=True)]
    lines = []
    for way, words in WAYS.items():
        cells = [_cell(row, way) for row in rows]
        if any(cells):
            lines.append([words, *(cell or '-' for cell in cells)])
    reasons = [
        f'* {WAYS[way]}, `{name}`: {reason}'
        for name, row in zip(models, rows, strict=True)
        for way, reason in row['failed'].items()
    ]
    return '\n'.join([rows_of(['', *heads], lines), *[''] * bool(reasons), *reasons])


def _cell(row: dict[str, Any], way: str) -> str:
    seconds = row['seconds']
    if way not in seconds:
        return ''
    if 'torch' not in seconds:  # nothing to compare with
        return f'({seconds[way]:.2f} s)'
    return f'{seconds["torch"] / seconds[way]:.2f} ({seconds[way]:.2f} s)'


def make_steps(
    name: str,
    ways: list[str],
    size: tuple[int, int],
    folder: Path,
    failed: dict[str, str],
) -> dict[str, Callable[[Any], Any]]:
    """For each way a function of a frame, in the middle of a video.

    Args:
        failed (dict): Gets the reason of each way that has none.
    """
    import torch
    from mmcv.cnn import fuse_conv_bn
    from mmengine.registry import init_default_scope

    from mmvis.apis import VISInferencer, find_config
    from mmvis.apis.loading import without_pretrained
    from mmvis.engine.config_files import read_config
    from mmvis.registry import MODELS as REGISTRY

    config = read_config(find_config(name))
    init_default_scope('mmvis')
    torch.manual_seed(0)
    state = REGISTRY.build(without_pretrained(config.model)).state_dict()
    steps: dict[str, Callable[[Any], Any]] = {}
    for way in ways:
        if way.startswith(('onnxruntime', 'openvino')):
            try:
                inferencer = open_exported(
                    config, state, folder / f'{name}.onnx', way, size
                )
            except (ValueError, ImportError) as error:
                failed[way] = first_line(error)
                continue
        else:
            options = dict(half=way.endswith('bf16'), compile=way == 'compile')
            inferencer = VISInferencer(config, state, device='cpu', **options)
            if way == 'folded':
                fuse_conv_bn(inferencer.model)
            if way.startswith('channels_last'):
                inferencer.model.to(memory_format=torch.channels_last)
        steps[way] = inferencer.session().step
    return steps


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    said = str(error).strip() or type(error).__name__
    return said.splitlines()[0][:200]


def open_exported(
    config: Any, state: dict, path: Path, way: str, size: tuple[int, int]
) -> Any:
    """An exported model in a runtime; its file is written if it is not there."""
    from mmvis.apis import VISInferencer
    from mmvis.deploy.exporting import export_model
    from mmvis.runtime.errors import MissingOperatorError

    device, _, half = way.partition('_')
    device = 'cpu' if device == 'onnxruntime' else device
    by_samples = path.with_suffix('.grid.onnx')
    for file, deformable in ((path, 'DeformConv'), (by_samples, 'GridSample')):
        if not file.is_file():
            export_model(config, state, file, size=size, deformable=deformable)
        try:
            return VISInferencer(file, device=device, half=bool(half))
        except MissingOperatorError:
            if file == by_samples:
                raise


def measure(
    steps: dict[str, Callable], frames: list, failed: dict[str, str]
) -> dict[str, float]:
    """The least CPU seconds that a frame takes each way; the first is for warming."""
    least: dict[str, float] = {}
    for number, frame in enumerate(frames):
        for way, step in steps.items():
            if way in failed:
                continue
            begin, start = time.process_time(), time.perf_counter()
            try:
                step(frame)
            except Exception as error:
                failed[way] = first_line(error)
                continue
            taken = time.process_time() - begin
            if number:
                least[way] = min(least.get(way, taken), taken)
            else:
                passed = time.perf_counter() - start
                print(f'  first frame, {way}: {passed:.1f} s', flush=True)
    return {way: round(seconds, 3) for way, seconds in least.items()}


def make_parser() -> argparse.ArgumentParser:
    """The script's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--models', nargs='+', default=list(MODELS))
    parser.add_argument('--ways', nargs='+', choices=list(WAYS), default=list(WAYS))
    parser.add_argument(
        '--frames', type=int, default=4, help='timed frames, after one (default: 4)'
    )
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument(
        '--size', nargs=2, type=int, default=(360, 640), metavar=('H', 'W')
    )
    parser.add_argument(
        '--exported',
        type=Path,
        help='folder of exported files, which are written if they are not there '
        '(default: they are written anew)',
    )
    parser.add_argument('--out', type=Path, help='json of what is found')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    return parser


def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    args = make_parser().parse_args(argv)
    # Before torch is imported. A thread that waits takes no CPU time.
    os.environ['OMP_NUM_THREADS'] = os.environ['MKL_NUM_THREADS'] = str(args.threads)
    os.environ['OMP_WAIT_POLICY'] = 'PASSIVE'
    import numpy as np
    import torch

    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(0)
    frames = [
        rng.integers(0, 256, (*args.size, 3), np.uint8) for _ in range(args.frames + 1)
    ]
    how: dict[str, Any] = dict(
        size=list(args.size),
        threads=args.threads,
        frames=args.frames,
        machine=platform.machine(),
        torch=torch.__version__,
    )
    for package in ('onnxruntime', 'openvino'):
        if any(way.startswith(package) for way in args.ways):
            how[package] = __import__(package).__version__
    found: dict[str, Any] = dict(models={})
    if args.out is not None and args.out.is_file():
        found = json.loads(args.out.read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name in args.models:
            failed: dict[str, str] = {}
            where = args.exported or Path(folder)
            steps = make_steps(name, args.ways, tuple(args.size), where, failed)
            seconds = measure(steps, frames, failed)
            found['models'][name] = dict(how, seconds=seconds, failed=failed)
            print(f'{name}: {seconds} {failed or ""}', flush=True)
            if args.out is not None:
                args.out.write_text(json.dumps(found, indent=1) + '\n')
    print(table(found))
    if args.page is not None:
        write_table(args.page, 'times', table(found))


if __name__ == '__main__':
    main()
