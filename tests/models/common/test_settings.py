"""Settings that nothing would read are refused."""

import pytest
from mmengine.config import Config
from model_configs import build
from model_factory import CONFIGS

from mmvis.models.common.settings import check_keys


def test_known_keys_are_copied():
    given = dict(a=1)
    checked = check_keys(given, ['a', 'b'], 'test_cfg of X')
    checked['b'] = 2
    assert given == dict(a=1)
    assert check_keys(None, ['a'], 'test_cfg of X') == {}


@pytest.mark.parametrize(
    'key, hint',
    [
        ('num_framess', r'did you mean num_frames\?'),
        ('x', r"its keys are \['num_frames"),
    ],
)
def test_unknown_keys_are_named(key, hint):
    with pytest.raises(ValueError, match=f'The test_cfg of X has no key {key}: {hint}'):
        check_keys({key: 1}, ['num_frames', 'frame_proposals'], 'test_cfg of X')


@pytest.mark.parametrize(
    'model, place',
    [
        ('tfan', ''),
        ('instance_flow', ''),
        ('stmask', ''),
        ('stmask', 'bbox_head.'),
        ('sg_net', 'bbox_head.'),
    ],
)
def test_models_read_every_key_of_their_test_cfg(model, place):
    config = Config.fromfile(CONFIGS / f'_base_/models/{model}_tiny.py')
    build(config.model)
    config.merge_from_dict({f'model.{place}test_cfg.some_key': 1})
    with pytest.raises(ValueError, match=r'The test_cfg of \w+ has no key some_key'):
        build(config.model)
