"""What tools/train.py writes into the config that it trains by."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / 'configs/tiny/stmask_tiny_synthvis.py'


@pytest.fixture
def config_of(monkeypatch):
    """The config that ``tools/train.py WORDS`` hands to the runner."""
    spec = importlib.util.spec_from_file_location('train', ROOT / 'tools/train.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handed = []

    def build_runner(config):
        handed.append(config)
        return SimpleNamespace(train=lambda: None)

    monkeypatch.setattr(module, 'build_runner', build_runner)

    def run(*words):
        monkeypatch.setattr(sys, 'argv', ['train.py', str(TINY), *words])
        module.main()
        return handed.pop()

    return run


@pytest.mark.parametrize(('device', 'deterministic'), [('cpu', True), ('cuda', False)])
def test_a_seed_is_deterministic_where_every_operator_can_be(
    config_of, monkeypatch, device, deterministic
):
    monkeypatch.setattr('mmengine.device.get_device', lambda: device)
    randomness = config_of('--seed', '3').randomness
    assert randomness.seed == 3 and randomness.deterministic is deterministic
    assert 'seed' not in config_of().get('randomness', {})


def test_amp_and_a_seed_go_together(config_of, monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cuda')
    config = config_of('--amp', '--seed', '0')
    assert config.optim_wrapper.type == 'AmpOptimWrapper'
    assert config.randomness.seed == 0


def test_resume_takes_the_last_or_a_named_checkpoint(config_of, tmp_path):
    config = config_of('--resume')
    assert config.resume and config.load_from is None
    named = tmp_path / 'iter_5.pth'
    named.touch()
    config = config_of('--resume', str(named))
    assert config.resume and config.load_from == str(named)
    assert not config_of().get('resume')
