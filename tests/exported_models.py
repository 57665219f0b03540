"""Exported models whose networks torch computes: all of an export but its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from model_factory import tiny_config

from mmvis.apis.loading import LoadedModel
from mmvis.apis.video_session import Preparation, VideoSession
from mmvis.deploy.describing import as_metadata, describe
from mmvis.deploy.networks import PartNetwork, plan_export
from mmvis.deploy.writing import example_frame, write_onnx
from mmvis.runtime.exported_model import RUNNERS
from mmvis.runtime.model_file import ModelFile, part_path
from mmvis.runtime.session import RuntimeSession


def pipeline(scale: tuple[int, int], keep_ratio: bool = True) -> list[dict]:
    """A test pipeline that resizes to (width, height)."""
    steps = [
        dict(type='LoadVISFrame'),
        dict(type='Resize', scale=scale, keep_ratio=keep_ratio),
    ]
    return [
        dict(type='TransformBroadcaster', transforms=steps),
        dict(type='PackVISInputs'),
    ]


class TorchNetwork:
    """A part of a model as the runtime's networks are called."""

    def __init__(self, part: PartNetwork) -> None:
        self.part = part
        self.outputs = part.outputs

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.no_grad():
            found = self.part.module(
                *(torch.from_numpy(inputs[name]) for name in self.part.inputs)
            )
        return {
            name: value.numpy()
            for name, value in zip(self.part.outputs, found, strict=True)
        }


class TorchFile(ModelFile):
    """What :class:`ModelFile` is, without a file."""

    def __init__(self, about: dict[str, Any], parts: list[PartNetwork]) -> None:
        # Through json, as a file has it.
        self.about = json.loads(json.dumps(about))
        self._networks = {part.name: TorchNetwork(part) for part in parts}


def loaded(model, steps: list[dict]) -> LoadedModel:
    """A model as ``load_model`` gives it, with eight classes."""
    return LoadedModel(model, steps, tuple('abcdefgh'), tuple(range(1, 9)))


def sessions(
    model, steps: list[dict], size: tuple[int, int] | None = None
) -> tuple[VideoSession, RuntimeSession]:
    """One video by PyTorch, and by what surrounds the networks of an export.

    Args:
        model: In eval mode.
        steps: Its test pipeline.
        size: (height, width) that the export is made for; None: of any size.
    """
    given = loaded(model, steps)
    plan = plan_export(model, example_frame(96, 160))
    file = TorchFile(describe(given, plan, size), plan.parts)
    runner = RUNNERS[plan.kind](file)
    torch_session = VideoSession(model, Preparation(steps, model), given.class_names)
    return torch_session, RuntimeSession(runner, given.class_names)


def written(model, steps: list[dict], folder: Path, **options) -> ModelFile:
    """The files of a model's networks, (96, 160) px, and what reads them.

    Args:
        model: In eval mode.
        steps: Its test pipeline.
        folder: Where the files go.
        **options: Of ``write_onnx``.
    """
    plan = plan_export(model, example_frame(96, 160))
    about = describe(loaded(model, steps), plan, (96, 160))
    path = folder / 'm.onnx'
    for part in plan.parts:
        metadata = as_metadata(about, part.name)
        write_onnx(part, part_path(path, part.name), metadata, **options)
    return ModelFile(path)


def same_tracks(one: list, other: list, share: float = 0.0) -> int:
    """Ids and labels equal, scores to 1e-3, masks but for a share of their pixels.

    Returns:
        int: How many instances there were.
    """
    for a, b in zip(one, other, strict=True):
        assert a.ids.tolist() == b.ids.tolist(), a.frame_id
        assert a.labels.tolist() == b.labels.tolist(), a.frame_id
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-3)
        np.testing.assert_allclose(a.bboxes, b.bboxes, atol=0.1)
        differing = (a.masks != b.masks).sum()
        assert differing <= share * max(a.masks.sum(), 1), a.frame_id
    return sum(map(len, one))


def stmask_config() -> Config:
    """The config that ``video_models.stmask`` is built by, for frames of (96, 160)."""
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py')
    cfg.model.bbox_head.test_cfg.update(score_thr=0.2, max_per_img=8, min_score=None)
    cfg.model.bbox_head.calibration = dict(
        type='CalibratedConvolution',
        offset=dict(type='AdaptiveOffset'),
        branches=('cls', 'coeff'),
    )
    cfg.model.tracker.supplement.min_score = 0
    cfg.test_dataloader.dataset.pipeline[0].transforms[1].scale = (160, 96)
    return cfg
