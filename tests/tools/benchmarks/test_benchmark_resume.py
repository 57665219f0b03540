"""The benchmark of resuming goes on from the iteration that it says."""

import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / 'tools/benchmarks'


@pytest.mark.full
def test_report(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    import resume

    try:
        resume.main(['--videos', '12', '--iteration', '700'])
    finally:
        sys.modules.pop('resume')
    said = capsys.readouterr().out
    assert 'anew' in said and 'resumed / anew' in said
