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
import copy
import json
import time
from pathlib import Path
from statistics import median

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.registry import init_default_scope
from torch import Tensor, nn

import mmvis.models  # noqa: F401
from mmvis.engine.command_line import CommandError, run_command
from mmvis.engine.config_files import read_config
from mmvis.registry import MODELS

NONE = 'none'


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


@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
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


def build(args: argparse.Namespace) -> nn.Module:
    """The model with random weights, in eval mode."""
    init_default_scope('mmvis')
    cfg = read_config(args.config).get('model', {})
    if cfg.get('augmentation') is None:
        raise CommandError(f'{args.config} is not of a TFAN with an augmentation.')
    cfg.detector.init_cfg = None
    cfg.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=args.objects)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model.to(args.device).eval()


class Way:
    """A model with one length of memory, and a video that never ends.

    Args:
        model (nn.Module): TFAN; shared by all ways but for its settings.
        frames (int | str): K, or 'none' for no augmentation.
        args (argparse.Namespace): Of the command line.
    """

    def __init__(
        self, model: nn.Module, frames: int | str, args: argparse.Namespace
    ) -> None:
        self.model, self.frames = copy.copy(model), frames
        self.model.test_cfg = copy.deepcopy(model.test_cfg)
        self.model.test_cfg.num_frames = 0 if frames == NONE else frames
        if frames == NONE:
            # A shallow copy shares the table of submodules.
            self.model._modules = dict(model._modules, augmentation=None)
        self.state, self.next_frame = self.model.init_state(), 0
        self.shape = tuple(args.size)
        self.device = args.device

    def run(self) -> float:
        """Predict the next frame; returns its seconds."""
        frame = self._frame()
        shapes = ('img_shape', 'ori_shape', 'batch_input_shape', 'pad_shape')
        metainfo = dict.fromkeys(shapes, self.shape)
        metainfo.update(frame_id=self.next_frame, scale_factor=(1.0, 1.0))
        sample = TrackDataSample()
        sample.video_data_samples = [DetDataSample(metainfo=metainfo)]
        self.next_frame += 1
        start = time.perf_counter()
        self.model.predict_clip(frame, sample, self.state)
        return time.perf_counter() - start

    def _frame(self) -> Tensor:
        generator = torch.Generator().manual_seed(self.next_frame % 8)
        return torch.randn(1, 3, *self.shape, generator=generator).to(self.device)


if __name__ == '__main__':
    run_command(main)
