"""Runs a tool that times several ways to compute the same."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

TOOLS = Path(__file__).parents[1] / 'tools' / 'benchmarks'


def time_table(name: str, arguments: str, folder: Path, monkeypatch) -> list[dict]:
    """The rows that a tool writes, their ratios checked.

    The tool itself compares the results of its ways with each other.
    """
    out = folder / 'times.json'
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.setattr(sys, 'argv', [name, *arguments.split(), '--out', str(out)])
    runpy.run_path(str(TOOLS / name), run_name='__main__')
    written = json.loads(out.read_text())
    assert written['settings']['rounds'] == 1
    rows = written['rows']
    first = rows[0]
    for row in rows:
        first = row if row['way'] == first['way'] else first
        for kind in ('forward', 'both'):
            ratio = row[f'{kind}_ms'] / first[f'{kind}_ms']
            assert abs(row[f'{kind}_ratio'] - ratio) < 1e-9 * ratio
    return rows
