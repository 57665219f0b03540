"""The benchmark's video is tracked as it is meant to be, and the report is written."""

import json
import runpy

import pytest
from time_tables import TOOLS


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return runpy.run_path(str(TOOLS / 'tracker.py'))


def test_report(tool, tmp_path, capsys):
    out = tmp_path / 'report.json'
    arguments = '--frames 90 --window 10 --objects 3 --lifetime 30 --mask-size 12 20'
    tool['main']([*arguments.split(), '--conflicts', 'drop', '--out', str(out)])
    drop, never = json.loads(out.read_text())['rows']
    # Each of the three has three lives or four, and each life one id.
    assert drop['ids'] == never['ids'] == never['most tracks']
    assert 9 <= drop['ids'] <= 12
    # No more than two lives of an object within the 20 frames that are retained.
    assert drop['most tracks'] <= 6
    assert drop['last/first'] == drop['last ms'] / drop['first ms'] > 0
    assert 'never retired' in capsys.readouterr().out


def test_report_of_the_tracker_by_centres(tool, tmp_path):
    out = tmp_path / 'report.json'
    arguments = '--tracker centerness --frames 90 --window 10 --objects 3 --lifetime 30'
    tool['main']([*arguments.split(), '--out', str(out)])
    centerness, never = json.loads(out.read_text())['rows']
    assert centerness['setting'] == 'centerness'
    assert never['setting'] == 'never retired'
    # One id a life, but where a new life begins close to the end of another.
    assert 6 <= never['ids'] <= centerness['ids'] <= 12
    assert centerness['most tracks'] <= 6 < never['most tracks'] == never['ids']
