"""The generated file is what it claims to be, and the measurement runs."""

import json
import runpy
from pathlib import Path

import pytest
from processes import run_apart

from mmvis.datasets.validation import check_annotation_file

TOOL = Path(__file__).parents[3] / 'tools' / 'benchmarks' / 'dataset.py'


@pytest.fixture
def tool():
    return runpy.run_path(str(TOOL))


def test_file_is_valid_deterministic_and_of_the_official_kind(tmp_path, tool):
    paths = [tmp_path / 'a.json', tmp_path / 'b.json']
    masks = [tool['write_annotation_file'](path, videos=4) for path in paths]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    _, findings = check_annotation_file(str(paths[0]))
    assert {finding.code for finding in findings} == {'LIST_RLE'}
    content = json.loads(paths[0].read_text())
    assert len(content['videos']) == 4 and len(content['categories']) == 40
    found = [s for a in content['annotations'] for s in a['segmentations']]
    shown = [s for s in found if s is not None]
    assert len(shown) == masks[0] < len(found)
    assert min(len(s['counts']) for s in shown) > 300
    assert all(sum(s['counts']) == 720 * 1280 for s in shown)


def _measure(_, ann_file) -> dict:
    return runpy.run_path(str(TOOL))['measure'](ann_file, workers=1)


def test_report(tmp_path, tool):
    tool['write_annotation_file'](tmp_path / 'a.json', videos=3)
    [report] = run_apart(_measure, tmp_path / 'a.json', folder=tmp_path)
    assert report['videos'] == 3
    assert all(value >= 0 for value in report.values())
