"""One checkpoint, several values of a setting."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmvis.engine.command_line import CommandError

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / 'configs/tiny/tfan_tiny_synthvis.py')
MEMBERS = 'model.augmentation.members'
AP = {'all': 0.5, 'own': 0.25, '[1,2]': 0.125}


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the tool; what it would have tested comes back with its exit code."""
    path = ROOT / 'tools/analysis_tools/compare_settings.py'
    spec = importlib.util.spec_from_file_location('compare_settings', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tested = []

    def build_runner(config):
        tested.append(config)
        value = config.model.augmentation.members
        if value == 'nobody':
            raise CommandError('There is nobody.')
        ap = AP[value if isinstance(value, str) else '[1,2]']
        return SimpleNamespace(test=lambda: {'youtube_vis/AP': ap, 'x/twins_AP': 0.1})

    monkeypatch.setattr(module, 'build_runner', build_runner)
    monkeypatch.chdir(tmp_path)
    weights = tmp_path / 'weights.pth'
    torch.save(dict(state_dict={'a.weight': torch.ones(2)}, meta={}), weights)

    def run(*words, checkpoint=weights):
        return module.main([CONFIG, str(checkpoint), *words]), tested

    return run


def test_each_value_has_a_line(command, tmp_path, capsys):
    out = tmp_path / 'out.json'
    options = ('--cfg-options', 'model.num_references=7', '--out', str(out))
    code, tested = command('--vary', MEMBERS, 'all', 'own', '[1,2]', *options)
    assert code == 0
    members = [config.model.augmentation.members for config in tested]
    assert members == ['all', 'own', [1, 2]]
    assert all(config.model.num_references == 7 for config in tested)
    assert all(config.load_from.endswith('weights.pth') for config in tested)
    assert len({config.work_dir for config in tested}) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:-2] == [f'{MEMBERS}      AP', f'{"all":{len(MEMBERS)}}   0.500']
    written = json.loads(out.read_text())['metrics']
    assert written['own'] == {'AP': 0.25, 'twins_AP': 0.1}


def test_what_was_measured_is_not_lost(command, tmp_path, capsys):
    out = str(tmp_path / 'out.json')
    code, _ = command('--vary', MEMBERS, 'all', 'nobody', 'own', '--out', out)
    said = capsys.readouterr()
    assert code == 1 and said.err == 'compare_settings: There is nobody.\n'
    assert said.out.splitlines()[-1].split() == ['all', '0.500']
    assert list(json.loads(Path(out).read_text())['metrics']) == ['all']


def test_mistakes(command, capsys):
    code, tested = command('--vary', MEMBERS, 'all', checkpoint='no.pth')
    assert code == 1 and not tested
    assert 'The checkpoint no.pth does not exist.' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command('--vary', MEMBERS)
    assert 'a key and at least one value' in capsys.readouterr().err
