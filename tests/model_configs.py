"""What the tests of all models' configs have in common."""

import copy
import functools
import re
from pathlib import Path
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from model_factory import (
    CONFIGS,
    clip_sample,
    moving_frames,
    parsed,
    training_clip,
    without_gradient,
)

from mmvis.registry import MODELS


def configs_of(model: str, *folders: str) -> list[Path]:
    """The configs whose names begin with a model's, of all the usual folders."""
    return sorted(
        path
        for folder in ('', f'ablations/{model}', 'tiny', *folders)
        for path in (CONFIGS / folder).glob(f'{model}_*.py')
    )


def name_of(path: Path) -> str:
    """For the names of tests."""
    return str(path.relative_to(CONFIGS))


def load(path: Path) -> Config:
    """A config of one's own to change."""
    return copy.deepcopy(parsed(path))


class Networks:
    """Which configs have a model that no config before had.

    Many differ in their data, schedule or number of classes alone.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Path] = {}

    def is_new(self, path: Path, model: dict) -> bool:
        network = re.sub(r"'num_classes': \d+", '', repr(model))
        return self._seen.setdefault(network, path) == path


def full_size(paths: list[Path]) -> list[Path]:
    """Those that are not tiny."""
    return [path for path in paths if 'tiny' not in path.parts]


def build(model: dict):
    """A config's model, with the same random weights at each call."""
    with DefaultScope.overwrite_default_scope('mmvis'):
        torch.manual_seed(0)
        # Models may change the dicts of their parts: others read the same config.
        return MODELS.build(copy.deepcopy(model))


def build_on_meta(model: dict):
    """A config's model without values: it costs neither memory nor time for them."""
    unfilled = {
        name: lambda tensor, *_, **__: tensor for name in ('uniform_', 'normal_')
    }
    # Swin reads its drop rates from a tensor.
    on_cpu = mock.patch(
        'torch.linspace', functools.partial(torch.linspace, device='cpu')
    )
    # mmcv's deformable convolutions make real weights, whatever the device.
    with torch.device('meta'), on_cpu, mock.patch.multiple(torch.Tensor, **unfilled):
        return build(model)


def train_one_step(net, num_frames: int = 2) -> dict:
    """Losses of a clip; they give every parameter a finite gradient."""
    net.init_weights()
    net.train()
    inputs, samples = training_clip(1, 1, 1)
    if num_frames == 1:
        inputs, samples = inputs[:, :1], [samples[0][:1]]
    losses = net.loss(inputs, samples)
    assert without_gradient(net, losses) == []
    return losses


def predict_some(net, num_frames: int = 2) -> None:
    """Predict a few frames; there are instances in each.

    Some networks' boxes are so small before training that masks are empty, which are
    not reported: what counts is what predict_frame gives.
    """
    net.eval()
    frames, sample = moving_frames(num_frames), clip_sample(num_frames)
    predict_frame, found = net.predict_frame, []

    def counted(*args):
        result = predict_frame(*args)
        found.append(len(result))
        return result

    with torch.no_grad(), mock.patch.object(net, 'predict_frame', counted):
        net.predict(frames[None], [sample])
    assert len(found) == num_frames
    assert all(found)


def millions_of_parameters(path: Path) -> dict[str, float]:
    """By part of a config's model, counted on the meta device."""
    return {
        name: sum(p.numel() for p in part.parameters()) / 1e6
        for name, part in build_on_meta(load(path).model).named_children()
    }
