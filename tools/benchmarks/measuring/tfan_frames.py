"""TFAN with a number of frames in its memory, on frames of noise."""

from __future__ import annotations

import argparse
import copy
import time

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmvis.engine.config_files import read_config
from mmvis.engine.errors import CommandError
from mmvis.registry import MODELS

NONE = 'none'


@torch.no_grad()
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

    @torch.no_grad()
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
