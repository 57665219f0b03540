#!/usr/bin/env python3
"""Time a frame of each model on a CPU: PyTorch in several settings, exported networks.

All ways run in one process, in turns, so that their ratios hold on a busy machine;
times are CPU seconds of all threads (user and system), the least of several frames.
Weights are random, and hardly anything is found: what is timed is the network, and what
is around it in any frame.

    python tools/benchmarks/deploy.py --out docs/en/deploy.json --page docs/en/deploy.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
BEGIN, END = '<!-- times: begin -->', '<!-- times: end -->'


def table(found: dict[str, Any]) -> str:
    """A page's table of what a run has found."""
    models = sorted(found['models'], key=[*MODELS, *found['models']].index)
    lines = [
        '| | ' + ' | '.join(f'`{name}`' for name in models) + ' |',
        '|---|' + '---|' * len(models),
    ]
    for way, words in WAYS.items():
        cells = [_cell(found['models'][name], way) for name in models]
        if any(cells):
            lines.append(f'| {words} | ' + ' | '.join(c or '-' for c in cells) + ' |')
    return '\n'.join(lines)


def _cell(times: dict[str, float], way: str) -> str:
    if way not in times:
        return ''
    return f'{times["torch"] / times[way]:.2f} ({times[way]:.2f} s)'


def with_table(page: str, found: dict[str, Any]) -> str:
    """A page whose table is that of a run."""
    fence = re.compile(f'{BEGIN}.*?{END}', re.DOTALL)
    return fence.sub(lambda _: f'{BEGIN}\n{table(found)}\n{END}', page)


def make_steps(
    name: str, ways: list[str], size: tuple[int, int], folder: Path
) -> dict[str, Callable[[Any], Any]]:
    """For each way a function of a frame, in the middle of a video."""
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
    steps = {}
    for way in ways:
        if way.startswith(('onnxruntime', 'openvino')):
            inferencer = open_exported(
                config, state, folder / f'{name}.onnx', way, size
            )
        else:
            options = dict(half=way.endswith('bf16'), compile=way == 'compile')
            inferencer = VISInferencer(config, state, device='cpu', **options)
            if way == 'folded':
                fuse_conv_bn(inferencer.model)
            if way.startswith('channels_last'):
                inferencer.model.to(memory_format=torch.channels_last)
        steps[way] = inferencer.session().step
    return steps


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


def measure(steps: dict[str, Callable], frames: list) -> dict[str, float]:
    """The least CPU seconds that a frame takes each way; the first is for warming."""
    least: dict[str, float] = {}
    for number, frame in enumerate(frames):
        for way, step in steps.items():
            begin = time.process_time()
            step(frame)
            taken = time.process_time() - begin
            if number:
                least[way] = min(least.get(way, taken), taken)
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
    found: dict[str, Any] = dict(
        size=list(args.size),
        threads=args.threads,
        frames=args.frames,
        machine=platform.machine(),
        torch=torch.__version__,
        models={},
    )
    for package in ('onnxruntime', 'openvino'):
        if any(way.startswith(package) for way in args.ways):
            found[package] = __import__(package).__version__
    with tempfile.TemporaryDirectory() as folder:
        for name in args.models:
            where = args.exported or Path(folder)
            steps = make_steps(name, args.ways, tuple(args.size), where)
            found['models'][name] = measure(steps, frames)
            print(f'{name}: {found["models"][name]}', flush=True)
            if args.out is not None:
                args.out.write_text(json.dumps(found, indent=1) + '\n')
    print(table(found))
    if args.page is not None:
        args.page.write_text(with_table(args.page.read_text(), found))


if __name__ == '__main__':
    main()
