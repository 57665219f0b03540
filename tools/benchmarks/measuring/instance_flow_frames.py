"""InstanceFlow with a number of reference frames, on frames of noise."""

from __future__ import annotations

import argparse
import copy
import time

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope

from mmvis.models.instance_flow.instance_flow import InstanceFlow
from mmvis.registry import MODELS
from mmvis.structures.nested_tensors import map_tensors


@torch.no_grad()
def build(args: argparse.Namespace) -> tuple[InstanceFlow, ConfigDict]:
    """A model with random weights that finds instances everywhere, and its config."""
    cfg = Config.fromfile(args.config).model
    init_default_scope('mmvis')
    cfg.backbone.init_cfg = None
    # Every peak of noise is a centre, in a frame without background.
    cfg.assembly.update(threshold=-1e6, top_k=args.objects)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    torch.nn.init.constant_(model.semantic_head.predictors[-1][1].bias[-1:], -1e4)
    return model.to(args.device).eval(), cfg


class Way:
    """A model with a number of reference frames, and a video that never ends.

    Args:
        model (InstanceFlow): Shared by all ways but for its tracker.
        cfg (ConfigDict): Of the model.
        number (int): Reference frames; 0: no inter-frame branch.
        args (argparse.Namespace): Of the command line.
    """

    def __init__(
        self,
        model: InstanceFlow,
        cfg: ConfigDict,
        number: int,
        args: argparse.Namespace,
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

    @torch.no_grad()
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
