"""The benchmark of several ranks runs every way, and its table has ratios."""

import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / 'tools/benchmarks'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import ranks

    yield ranks
    sys.modules.pop('ranks')


def test_medians_behind_the_first_few(tool):
    # (CPU, clock) at the end of each iteration; the first ones take long.
    one = [(0, 0), (9, 9), (18, 18), (27, 27), (28, 29), (29, 31), (30, 40)]
    found = tool.summed([one, one], 'train', 4)
    assert found == dict(train_wall_s=2, train_cpu_s=2 * 1 / 4)
    ways = dict(one=found, two=dict(train_wall_s=1, train_cpu_s=0.6), apart=found)
    row = tool.table(dict(ways=ways)).splitlines()[3]
    assert row.startswith('| two ranks | 1.00 (0.50) | 0.60 (1.20) | - |')


@pytest.mark.full
def test_report(tool, tmp_path):
    out = tmp_path / 'out.json'
    words = '--iterations 6 --videos 10 --frames 2 --batch 2 --out'
    tool.main([*words.split(), str(out)])
    ways = json.loads(out.read_text())['ways']
    assert ways.keys() == {'one', 'two', 'apart'}
    for way in ways.values():
        assert all(value > 0 for value in way.values())
    assert 'test_cpu_s' in ways['two'] and 'test_cpu_s' not in ways['apart']
