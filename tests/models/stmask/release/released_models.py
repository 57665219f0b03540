"""Networks of the official configs with weights by the rule, and their frames."""

from __future__ import annotations

import torch
from fixtures.stmask_fixtures import official_state
from mmengine.config import Config
from mmengine.registry import init_default_scope
from model_factory import CONFIGS

from mmvis.models.stmask.release.checkpoint import convert_state_dict
from mmvis.models.stmask.stmask import STMask
from mmvis.registry import MODELS

INPUT_SHAPE, CONTENT, ORIGINAL = (192, 320), (180, 320), (480, 854)
SCALE = torch.tensor([320.0, 192.0, 320.0, 192.0])


def released_model(config: str) -> STMask:
    """The network of an official config, with weights by the rule."""
    state, network = convert_state_dict(official_state(config))
    init_default_scope('mmvis')
    model = MODELS.build(Config.fromfile(f'{CONFIGS}/{network.config}').model)
    model.load_state_dict(state)
    return model.eval()
