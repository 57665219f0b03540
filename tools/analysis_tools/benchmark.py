"""Time of a video model's frame, split by stage, beside other ways to compute it.

    python tools/analysis_tools/benchmark.py configs/stmask_r50.py \\
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
import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from forced_instances import FORCED, ForcedInstances
from mmcv.cnn import fuse_conv_bn
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from stage_times import NETWORK, OTHER, STAGES, Stopwatch, stage_times
from torch import Tensor, nn

import mmvis.models  # noqa: F401
from mmvis.registry import MODELS

SINGLE = 'single frames'


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
    parser.add_argument('--variants', nargs='*', default=[], choices=sorted(VARIANTS))
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
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


class Way:
    """One way to predict the frames: a model, and how many frames it gets at once.

    Args:
        model (nn.Module): A built model of mmvis, in eval mode.
        args (argparse.Namespace): Of the command line.
        at_once (int): Frames of a call.
        label (str): Heading of its table of stages; none without.
        memory_format (torch.memory_format): Of the frames.
    """

    def __init__(
        self,
        model: nn.Module,
        args: argparse.Namespace,
        at_once: int = 1,
        label: str = '',
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        self.model, self.at_once, self.label = model, at_once, label
        self.content, self.original = tuple(args.size), tuple(args.original)
        divisor = model.data_preprocessor.pad_size_divisor
        self.input_shape = tuple(-(-side // divisor) * divisor for side in args.size)
        frames = sliding_noise(args.chunk, self.input_shape).to(args.device)
        self.frames = frames.contiguous(memory_format=memory_format)
        self.stopwatch = Stopwatch(args.device)
        if args.objects:
            ForcedInstances(
                model, args.objects, self.content, self.input_shape, self.stopwatch
            )
        self.state, self.next_frame = model.init_state(), 0
        self.found: list[int] = []
        self.ids: set[int] = set()

    def run(self) -> float:
        """Predict a chunk of frames; returns seconds of a frame."""
        self.stopwatch.seconds.clear()
        with self.stopwatch.stage(OTHER):
            for start in range(0, len(self.frames), self.at_once):
                self._predict(self.frames[start : start + self.at_once])
        seconds = self.stopwatch.seconds
        return sum(seconds[s] for s in seconds if s != FORCED) / len(self.frames)

    def _predict(self, frames: Tensor) -> None:
        metainfo = dict(
            img_shape=self.content,
            batch_input_shape=self.input_shape,
            pad_shape=self.input_shape,
            ori_shape=self.original,
            scale_factor=tuple(
                scaled / side
                for scaled, side in zip(
                    self.content[::-1], self.original[::-1], strict=True
                )
            ),
        )
        sample = TrackDataSample()
        sample.video_data_samples = [
            DetDataSample(metainfo=metainfo | dict(frame_id=self.next_frame + t))
            for t in range(len(frames))
        ]
        self.next_frame += len(frames)
        for result in self.model.predict_clip(frames, sample, self.state):
            self.found.append(len(result.instances_id))
            self.ids.update(result.instances_id.tolist())

    def counts(self) -> dict[str, float]:
        """How many instances a frame had, and how many ids they were given."""
        return dict(instances=median(self.found), ids=len(self.ids))


def make_ways(args: argparse.Namespace) -> dict[str, Way]:
    """Everything that is compared, by name; single frames first."""
    model = build(args.config, args, args.checkpoint)
    # Copies come first: what is forced on a model would stay tied to it.
    copies = {name: copy.deepcopy(model) for name in args.variants}
    chunked = copy.deepcopy(model)
    ways = {SINGLE: Way(model, args, label=args.config)}
    if args.chunk > 1:
        ways[f'chunks of {args.chunk}'] = Way(chunked, args, at_once=args.chunk)
    for name, copied in copies.items():
        changed, memory_format = VARIANTS[name](copied)
        ways[name] = Way(changed, args, memory_format=memory_format)
    if args.against:
        other = build(args.against, args)
        ways[args.against] = Way(other, args, label=args.against)
    return ways


def build(
    config: str, args: argparse.Namespace, checkpoint: str | None = None
) -> nn.Module:
    """A model in eval mode."""
    cfg = Config.fromfile(config)
    init_default_scope('mmvis')
    torch.manual_seed(0)
    without_pretrained(cfg.model)
    model = MODELS.build(cfg.model)
    if checkpoint:
        load_checkpoint(model, checkpoint, map_location='cpu', strict=True)
        return model.to(args.device).eval()
    model.init_weights()
    model.to(args.device).eval()
    # Statistics of a frame, so that activations neither vanish nor explode.
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.train().momentum = 1.0
    model.extract_feat(sliding_noise(1, (192, 320)).to(args.device))
    for norm in norms:
        norm.eval()
    return model


def without_pretrained(cfg: dict) -> None:
    """Take out the addresses of pretrained weights, in place."""
    for key, value in list(cfg.items()):
        if key == 'init_cfg' and 'Pretrained' in str(value):
            cfg[key] = None
        elif isinstance(value, dict):
            without_pretrained(value)


def channels_last(model: nn.Module) -> tuple[nn.Module, torch.memory_format]:
    """Weights and frames with the channels innermost."""
    return model.to(memory_format=torch.channels_last), torch.channels_last


def fused_bn(model: nn.Module) -> tuple[nn.Module, torch.memory_format]:
    """Batch norms put into the convolutions before them."""
    return fuse_conv_bn(model), torch.contiguous_format


def compiled(model: nn.Module) -> tuple[nn.Module, torch.memory_format]:
    """Network modules compiled; those that are not found stay as they are."""
    for name in ('backbone', 'neck', 'prototype_net', 'bbox_head'):
        module = getattr(model, name, None) or getattr(
            getattr(model, 'detector', None), name, None
        )
        if module is not None:
            vars(module)['forward'] = torch.compile(module.forward)
    return model, torch.contiguous_format


VARIANTS: dict[str, Callable] = {
    'channels_last': channels_last,
    'fused_bn': fused_bn,
    'compile': compiled,
}


def sliding_noise(count: int, shape: tuple[int, int]) -> Tensor:
    """Normalised frames (count, 3, H, W) that slide by two pixels a frame."""
    generator = torch.Generator().manual_seed(0)
    height, width = shape
    coarse = torch.randn(1, 3, 12, 24, generator=generator)
    size = (height, width + 2 * count)
    wide = nn.functional.interpolate(coarse, size=size, mode='bicubic')[0]
    return torch.stack([wide[:, :, 2 * t : 2 * t + width] for t in range(count)])


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
