"""The benchmark's two ways agree, and the table has both blenders."""

import json
import runpy
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / 'tools/benchmarks'
SMALL = '--input-shape 64 96 --channels 32 --rounds 1'


def run(monkeypatch, arguments):
    tool = TOOLS / 'blender.py'
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.setattr(sys, 'argv', [str(tool), *SMALL.split(), *arguments])
    # The ways are compared with each other in there.
    return runpy.run_path(str(tool), run_name='__main__')


def test_table(tmp_path, monkeypatch, capsys):
    out = tmp_path / 'times.json'
    run(monkeypatch, ['--instances', '1', '3', '--out', str(out)])
    content = json.loads(out.read_text())
    rows = content['rows']
    assert content['settings']['input_shape'] == [64, 96]
    assert [(row['blender'], row['instances']) for row in rows] == [
        (name, count) for name in ('scalar', 'vector') for count in (1, 3)
    ]
    for first, row in zip([rows[0]] * 2 + [rows[2]] * 2, rows, strict=True):
        for kind in ('all', 'paper'):
            ratio = row[f'{kind}_ms'] / first[f'{kind}_ms']
            assert row[f'{kind}_ratio'] == pytest.approx(ratio)
        assert row['all_ms'] == pytest.approx(row['base_ms'] + row['mask_ms'])
        # Stride 2; sides are at least a tenth of the input.
        assert row['instances'] * 3 * 4 <= row['pixels'] <= row['instances'] * 32 * 48
    printed = capsys.readouterr().out
    assert 'scalar' in printed and 'vector' in printed


def test_no_instance(monkeypatch, capsys):
    run(monkeypatch, ['--instances', '2', '0'])
    assert 'vector' in capsys.readouterr().out
