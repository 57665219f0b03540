"""Models, and the ways to predict frames by them that a benchmark compares."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from statistics import median

import torch
from mmcv.cnn import fuse_conv_bn
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import Tensor, nn

from mmvis.registry import MODELS

from .forced_instances import FORCED, ForcedInstances
from .stage_times import OTHER, Stopwatch

SINGLE = 'single frames'


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

    @torch.no_grad()
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


@torch.no_grad()
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


@torch.no_grad()
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
