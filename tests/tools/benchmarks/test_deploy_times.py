"""The page's table is the one of the committed json."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]
deploy = SimpleNamespace(**runpy.run_path(str(ROOT / 'tools/benchmarks/deploy.py')))


@pytest.fixture
def found():
    return dict(
        models=dict(
            a=dict(torch=3.0, onnxruntime=1.5),
            b=dict(torch=1.0, openvino=0.4, onnxruntime=2.0),
        )
    )


def test_a_table_of_ratios(found):
    lines = deploy.table(found).splitlines()
    assert lines[0] == '| | `a` | `b` |'
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines[2:]]
    assert rows == [
        ['PyTorch as it is', '1.00 (3.00 s)', '1.00 (1.00 s)'],
        ['exported, ONNX Runtime', '2.00 (1.50 s)', '0.50 (2.00 s)'],
        ['exported, OpenVINO, float32', '-', '2.50 (0.40 s)'],
    ]


def test_the_page_is_the_jsons():
    page = (ROOT / 'docs/en/deploy.md').read_text()
    found = json.loads((ROOT / 'docs/en/deploy.json').read_text())
    assert deploy.with_table(page, found) == page
    assert deploy.table(found) in page


def test_the_least_time_of_each_way():
    seen = []
    steps = {way: lambda frame, way=way: seen.append((way, frame)) for way in 'xy'}
    assert deploy.measure(steps, [0, 1, 2]).keys() == {'x', 'y'}
    # In turns; the first frame is for warming.
    assert seen == [(way, frame) for frame in (0, 1, 2) for way in 'xy']
