"""The demo's last word: it says where things are, and when something is wrong."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / 'tools/demo.py'


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """The demo with its commands recorded, not run, and a score of our choice."""
    spec = importlib.util.spec_from_file_location('demo_script', DEMO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.score, module.calls = 0.5, []

    def run(title, script, *args):
        module.calls.append((script, [str(a) for a in args]))
        work_dir = tmp_path / 'work_dir'
        if script == 'train.py':
            work_dir.mkdir()
            (work_dir / 'last_checkpoint').write_text('last.pth')
        if script == 'test.py':
            scores = work_dir / '20260101_000000' / '20260101_000000.json'
            scores.parent.mkdir()
            scores.write_text(json.dumps({'youtube_vis/AP50': module.score}))
        return 1.0

    monkeypatch.setattr(module, 'run', run)
    monkeypatch.setattr(sys, 'argv', ['demo.py', '--out', str(tmp_path)])
    return module


def test_success_names_the_files_and_the_score(demo, capsys, tmp_path):
    assert demo.main() == 0
    said = capsys.readouterr().out
    assert '0.500' in said
    for name in ('demo.mp4', 'demo_sheet.jpg', 'demo_curves.png', 'last.pth'):
        assert name in said
    scripts = [script for script, _ in demo.calls]
    assert all((DEMO.parent / script).is_file() for script in scripts)
    assert scripts.index('train.py') < scripts.index('test.py')
    tested = dict(demo.calls)['test.py']
    assert 'last.pth' in tested
    assert f'data_root={tmp_path}/synth_vis_tiny/' in tested


@pytest.mark.parametrize('score', [0.24, None, float('nan')])
def test_a_low_score_is_said_to_be_wrong(demo, capsys, score):
    demo.score = score
    assert demo.main() == 1
    assert 'something is wrong' in capsys.readouterr().out


def test_a_failing_step_stops_it(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location('demo_script', DEMO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit, match=r'Draw it.*exit code 1'):
        module.run(
            'Draw it',
            'analysis_tools/render_results.py',
            '--ann',
            'nowhere',
            '--img-prefix',
            'nowhere',
            '--out',
            str(tmp_path / 'a.mp4'),
        )
