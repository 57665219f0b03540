"""The benchmark's three ways agree, and the table has them all."""

import json
import runpy
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/benchmark_deformable.py'


def test_table(tmp_path, monkeypatch, capsys):
    out = tmp_path / 'times.json'
    arguments = '--cases layer4.0 layer4 classes --shrink 32 --rounds 1 --out'
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *arguments.split(), str(out)])
    # The ways are compared with each other in there.
    runpy.run_path(str(TOOL), run_name='__main__')
    rows = json.loads(out.read_text())['rows']
    assert [row['name'] for row in rows[::3]] == ['classes'] * 3 + [
        'layer4.0',
        'layer4',
    ]
    for start in range(0, len(rows), 3):
        package, *others = rows[start : start + 3]
        assert [row['way'] for row in others] == ['mmcv', 'grid_sample']
        for row in (package, *others):
            for kind in ('forward', 'both'):
                ratio = row[f'{kind}_ms'] / package[f'{kind}_ms']
                assert abs(row[f'{kind}_ratio'] - ratio) < 1e-9 * ratio
    assert 'grid_sample' in capsys.readouterr().out
