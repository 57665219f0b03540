"""A checkpoint of another model is refused, one of this model is not."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import init_default_scope
from model_factory import tiny_config
from toy_runner import make_runner

from mmvis.engine.checkpoint import CheckpointError
from mmvis.engine.hooks import CheckpointFitHook
from mmvis.registry import MODELS

WEIGHT, BIAS = torch.full((1, 2), 3.0), torch.full((1,), 4.0)


def load(tmp_path, state: dict):
    torch.save(state, tmp_path / 'x.pth')
    runner = make_runner(tmp_path, custom_hooks=[dict(type='CheckpointFitHook')])
    assert any(isinstance(hook, CheckpointFitHook) for hook in runner.hooks)
    runner.load_checkpoint(str(tmp_path / 'x.pth'))
    return runner.model


@pytest.mark.parametrize(
    ('state', 'words'),
    [
        ({'layer.weight': WEIGHT}, 'layer.bias is missing'),
        ({'layer.weight': WEIGHT.T, 'layer.bias': BIAS}, r'\(2, 1\), not \(1, 2\)'),
        (
            {'layer.weight': WEIGHT.repeat(3, 1), 'layer.bias': BIAS.repeat(3)},
            r'\(3, 2\), not \(1, 2\); layer.bias is.* number of classes',
        ),
        ({'layer.weight': WEIGHT, 'layer.bias': BIAS[0]}, r'layer.bias is \(\), not'),
        ({'state_dict': {'other': BIAS}}, 'layer.weight is missing; layer.bias is'),
    ],
)
def test_another_model_is_refused(tmp_path, state, words):
    with pytest.raises(CheckpointError, match=words):
        load(tmp_path, state)


@pytest.mark.parametrize('name', ['masktrack_rcnn', 'sg_net', 'stmask'])
def test_both_numbers_of_classes_are_said(name):
    init_default_scope('mmvis')
    model = tiny_config(f'tiny/{name}_tiny_synthvis.py').model
    net = MODELS.build(copy.deepcopy(model))
    with_classes(model, 5)
    other = MODELS.build(model).state_dict()
    with pytest.raises(CheckpointError) as error:
        CheckpointFitHook().after_load_checkpoint(
            SimpleNamespace(model=net), {'state_dict': other}
        )
    assert str(error.value).startswith(
        'The checkpoint has 5 classes, but the model of this config has 8. '
    )


def with_classes(config, count):
    """Set every num_classes of 8, in place."""
    for key, value in config.items():
        if key == 'num_classes' and value == 8:
            config[key] = count
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                with_classes(entry, count)


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_its_own_weights_load(tmp_path, prefix):
    state = {f'{prefix}layer.weight': WEIGHT, f'{prefix}layer.bias': BIAS, 'more': BIAS}
    model = load(tmp_path, {'state_dict': state})
    assert torch.equal(model.layer.weight, WEIGHT)
    assert torch.equal(model.layer.bias, BIAS)
