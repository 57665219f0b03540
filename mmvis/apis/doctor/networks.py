"""Two frames through a small one of each model, with random weights."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch

from ..config_names import config_folders
from .finding import BAD, OK, Finding, guarded

FRAMES = 2


def small_configs() -> list[str]:
    """Names of the small configs, one a model."""
    found = {
        path.stem
        for folder in config_folders()
        for path in folder.glob('tiny/*_tiny_synthvis.py')
    }
    return sorted(found)


def look_at_networks(device: torch.device) -> Iterator[Finding]:
    """Each model in turn."""
    for name in small_configs():
        subject = name.removesuffix('_tiny_synthvis')
        yield from guarded(subject, _try, name, subject, device)


def _try(name: str, subject: str, device: torch.device) -> Iterator[Finding]:
    from mmengine.registry import init_default_scope

    from mmvis.engine.config_files import read_config
    from mmvis.registry import MODELS

    from ..config_names import find_config
    from ..loading import without_pretrained
    from ..vis_inferencer import VISInferencer

    config = read_config(find_config(name))
    init_default_scope('mmvis')
    random_state = torch.get_rng_state()
    torch.manual_seed(0)
    weights = MODELS.build(without_pretrained(config.model)).state_dict()
    torch.set_rng_state(random_state)
    session = VISInferencer(config, weights, device=device).session()
    frames = np.random.default_rng(0).integers(0, 255, (FRAMES, 96, 160, 3), np.uint8)
    session.step(frames[0])
    started = time.perf_counter()
    results = [session.step(frame) for frame in frames]
    seconds = time.perf_counter() - started
    for result in results:
        if not (np.isfinite(result.bboxes).all() and np.isfinite(result.scores).all()):
            yield Finding(BAD, subject, f'boxes or scores are NaN on {device}')
            return
    rate = FRAMES / seconds
    size = 'frames of 160 x 96'
    yield Finding(OK, subject, f'{rate:.0f} small {size} a second on {device}')
