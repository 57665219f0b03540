"""A checkpoint of another model is refused, one of this model is not."""

import pytest
import torch
from toy_runner import make_runner

from mmvis.engine.checkpoint import CheckpointError
from mmvis.engine.hooks import CheckpointFitHook

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
            r'\(3, 2\), not \(1, 2\); .* number of classes',
        ),
        ({'state_dict': {'other': BIAS}}, 'layer.weight is missing; layer.bias is'),
    ],
)
def test_another_model_is_refused(tmp_path, state, words):
    with pytest.raises(CheckpointError, match=words):
        load(tmp_path, state)


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_its_own_weights_load(tmp_path, prefix):
    state = {f'{prefix}layer.weight': WEIGHT, f'{prefix}layer.bias': BIAS, 'more': BIAS}
    model = load(tmp_path, {'state_dict': state})
    assert torch.equal(model.layer.weight, WEIGHT)
    assert torch.equal(model.layer.bias, BIAS)
