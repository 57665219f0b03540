"""The benchmark's three ways agree, and the table has them all."""

import json
import runpy
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/benchmark_correlation.py'


def test_table(tmp_path, monkeypatch, capsys):
    out = tmp_path / 'times.json'
    arguments = '--channels 4 --patches 3 5 --batch 2 --rounds 1 --out'
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *arguments.split(), str(out)])
    # The ways are compared with each other in there.
    runpy.run_path(str(TOOL), run_name='__main__')
    rows = json.loads(out.read_text())['rows']
    cases = {(row['level'], row['patch']) for row in rows}
    assert cases == {(level, patch) for level in ('P3', 'P4') for patch in (3, 5)}
    for start in range(0, len(rows), 3):
        tiles, *others = rows[start : start + 3]
        assert [row['way'] for row in others] == ['loop', 'all pairs']
        for row in (tiles, *others):
            for kind in ('forward', 'both'):
                ratio = row[f'{kind}_ms'] / tiles[f'{kind}_ms']
                assert abs(row[f'{kind}_ratio'] - ratio) < 1e-9 * ratio
    assert 'all pairs' in capsys.readouterr().out
