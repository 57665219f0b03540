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
import copy
import json
import time
from pathlib import Path
from statistics import median

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmvis.models  # noqa: F401
from mmvis.models.instance_flow.instance_flow import InstanceFlow
from mmvis.registry import MODELS
from mmvis.structures.nested_tensors import map_tensors


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


@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    cfg = Config.fromfile(args.config).model
    model = build(cfg, args)
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


def build(cfg: Config, args: argparse.Namespace) -> InstanceFlow:
    """The model with random weights, which finds instances everywhere."""
    init_default_scope('mmvis')
    cfg.backbone.init_cfg = None
    # Every peak of noise is a centre, in a frame without background.
    cfg.assembly.update(threshold=-1e6, top_k=args.objects)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    torch.nn.init.constant_(model.semantic_head.predictors[-1][1].bias[-1:], -1e4)
    return model.to(args.device).eval()


class Way:
    """A model with a number of reference frames, and a video that never ends.

    Args:
        model (InstanceFlow): Shared by all ways but for its tracker.
        cfg (Config): Of the model.
        number (int): Reference frames; 0: no inter-frame branch.
        args (argparse.Namespace): Of the command line.
    """

    def __init__(
        self, model: InstanceFlow, cfg: Config, number: int, args: argparse.Namespace
    ) -> None:
        self.model, self.number = copy.copy(model), number
        tracker = dict(cfg.tracker, num_references=max(number, 1))
        self.model.tracker = MODELS.build(tracker)
        if number == 0:
            # A shallow copy shares the table of submodules.
            self.model._modules = dict(model._modules, inter_frame_head=None)
        self.state, self.next_frame = self.model.init_state(), 0
        self.shape, self.device = tuple(args.size), args.device
        self.objects = 0

    def run(self) -> float:
        """Predict the next frame; returns its seconds."""
        generator = torch.Generator().manual_seed(self.next_frame % 8)
        frame = torch.randn(1, 3, *self.shape, generator=generator).to(self.device)
        shapes = ('img_shape', 'ori_shape', 'batch_input_shape', 'pad_shape')
        metainfo = dict.fromkeys(shapes, self.shape)
        metainfo.update(frame_id=self.next_frame, scale_factor=(1.0, 1.0))
        sample = TrackDataSample()
        sample.video_data_samples = [DetDataSample(metainfo=metainfo)]
        self.next_frame += 1
        start = time.perf_counter()
        (result,) = self.model.predict_clip(frame, sample, self.state)
        seconds = time.perf_counter() - start
        self.objects = len(result)
        return seconds

    @property
    def num_bytes(self) -> int:
        """Bytes of the features in the memory."""
        sizes: list[int] = []

        def count(feats: torch.Tensor) -> torch.Tensor:
            sizes.append(feats.untyped_storage().nbytes())
            return feats

        for frame in self.state.memory.references:
            map_tensors(count, frame.features)
        return sum(sizes)


if __name__ == '__main__':
    main()
