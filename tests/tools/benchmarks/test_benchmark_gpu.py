"""The script for a card runs without one, and its parts fail one by one."""

import importlib
import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / 'tools' / 'benchmarks'


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    yield importlib.import_module('gpu')
    for name in [name for name in sys.modules if name.split('.')[0] == 'measuring']:
        sys.modules.pop(name)
    sys.modules.pop('gpu')


@pytest.mark.full
def test_every_part_gives_numbers(gpu, tmp_path):
    out = tmp_path / 'gpu.json'
    words = '--device cpu --quick --minutes 60 --models sg_net --out'
    gpu.main([*words.split(), str(out)])
    parts = json.loads(out.read_text())['parts']
    failed = {name for name, part in parts.items() if 'failed' in part}
    assert failed == {f'sg_net {kind} graph' for kind in ('fp32', 'fp16', 'bf16')}
    assert all(said.startswith('ok') for said in parts['operators'].values())
    for kind in ('fp32', 'fp16', 'bf16'):
        times = parts[f'sg_net {kind}']
        assert times['instances 1'] == times['instances 2'] == 3
        # Of a network that computes in half, the loss is that of fp32.
        loss, full = (parts[f'sg_net training {k}']['loss'] for k in (kind, 'fp32'))
        assert loss == pytest.approx(full, rel=0.01)
    assert parts['sg_net kernels']['network 1 operators'] > 100
    for kind, bound in (('fp32', 1e-3), ('fp16', 0.1)):
        exported = parts[f'sg_net exported {kind}']
        assert exported['difference'] < bound
        assert exported['runs on'] == 'CPUExecutionProvider'


def test_a_part_that_fails_or_comes_too_late_stops_nothing(gpu, tmp_path, capsys):
    args = gpu.parse_args(['--out', str(tmp_path / 'a.json')])
    report = gpu.Report(args)
    report.part('broken', lambda: 1 / 0)
    report.part('whole', lambda: dict(ms=2.0))
    report.until = 0
    report.part('late', lambda: dict(ms=3.0))
    written = json.loads((tmp_path / 'a.json').read_text())['parts']
    assert written == {
        'broken': dict(failed='ZeroDivisionError: division by zero'),
        'whole': dict(ms=2.0),
        'late': dict(failed='no time was left'),
    }
    assert 'ZeroDivisionError' in capsys.readouterr().out


def test_the_table_of_a_page(gpu):
    from measuring.gpu_table import table

    times = {'network 1 (ms)': 5.0, 'network 8 (ms)': 1.0, 'frame 1 (ms)': 9.0}
    parts = {
        'stmask fp32': times,
        'stmask fp32 graph': {'network 1 (ms)': 2.0},
        'stmask exported fp32': {'network 1 (ms)': 3.0},
        'stmask fp16': dict(failed='RuntimeError'),
    }
    content = dict(settings=dict(models=['stmask'], chunk=8), parts=parts)
    first, second, _ = table(content).splitlines()[2:]
    assert first == (
        '| stmask, fp32 | 5.00 / 2.00 | 1.00 / - | 9.00 / - | - / - | 3.00 |'
    )
    assert second.startswith('| stmask, fp16 | - / - |')
