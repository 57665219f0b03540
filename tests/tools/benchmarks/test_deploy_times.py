"""The deployment page's table: how it is made, and of what."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def deploy(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools/benchmarks'))
    import deploy

    yield deploy
    sys.modules.pop('deploy')


def row(threads: int, failed: dict | None = None, **seconds: float) -> dict:
    return dict(threads=threads, seconds=seconds, failed=failed or {})


def test_a_table_of_ratios(deploy):
    found = dict(
        models=dict(
            a=row(1, torch=3.0, onnxruntime=1.5),
            b=row(2, dict(compile='no compiler'), torch=1.0, openvino=0.4),
        )
    )
    lines = deploy.table(found).splitlines()
    assert lines[0] == '|  | `a`, 1 thread | `b`, 2 threads |'
    cut = lines.index('')
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines[2:cut]]
    assert rows == [
        ['PyTorch as it is', '1.00 (3.00 s)', '1.00 (1.00 s)'],
        ['exported, ONNX Runtime', '2.00 (1.50 s)', '-'],
        ['exported, OpenVINO, float32', '-', '2.50 (0.40 s)'],
    ]
    assert lines[cut + 1 :] == ['* PyTorch, `compile=True`, `b`: no compiler']


def test_ways_take_turns_and_one_that_fails_is_left_out(deploy, capsys):
    seen = []

    def fail(frame):
        raise RuntimeError('no compiler\nat all')

    steps = {way: lambda frame, way=way: seen.append((way, frame)) for way in 'xy'}
    steps['z'], failed = fail, {}
    assert deploy.measure(steps, [0, 1, 2], failed).keys() == {'x', 'y'}
    # The first frame is for warming.
    assert seen == [(way, frame) for frame in (0, 1, 2) for way in 'xy']
    assert failed == {'z': 'no compiler'}


def test_models_that_are_not_run_stay(deploy, tmp_path, monkeypatch):
    out = tmp_path / 'out.json'
    out.write_text(json.dumps(dict(models=dict(a=row(1, torch=1.0)))))
    shapes = []
    monkeypatch.setattr(deploy, 'make_steps', lambda *_: {})
    monkeypatch.setattr(
        deploy,
        'measure',
        lambda steps, frames, failed: (
            shapes.extend(f.shape for f in frames) or dict(torch=2.0)
        ),
    )
    words = ['--models', 'b', '--ways', 'torch', '--frames', '2', '--size', '32', '64']
    deploy.main([*words, '--threads', '1', '--out', str(out)])
    models = json.loads(out.read_text())['models']
    assert models['a'] == row(1, torch=1.0)
    assert models['b']['threads'] == 1 and models['b']['seconds'] == dict(torch=2.0)
    assert shapes == [(32, 64, 3)] * 3
