"""The benchmark of whole videos counts every stage once."""

import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / 'tools/benchmarks'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import video

    yield video
    sys.modules.pop('video')


@pytest.mark.parametrize(
    ('config', 'objects'),
    [('masktrack_rcnn_tiny_synthvis', 3), ('instance_flow_tiny_synthvis', 0)],
)
def test_report(tool, tmp_path, capsys, config, objects):
    out = tmp_path / 'report.json'
    words = [config, '--frames', 8, '--size', 96, 160, '--objects', objects]
    tool.main([*map(str, words), '--window', '2', '--out', str(out)])
    report = json.loads(out.read_text())
    assert report['frames'] == 8
    assert objects == 0 or report['instances'] == objects
    ms = report['ms']
    for stage in (
        'decode',
        'preprocess',
        'backbone',
        'head',
        'tracker',
        'RLE',
        'write',
    ):
        assert ms[stage] > 0 or (stage == 'tracker' and not objects)
    assert report['network_ms'] < sum(ms.values())
    assert report['fps'] > 0 and report['resident_mib']['end'] > 0
    said = capsys.readouterr().out
    assert 'end to end' in said and 'network alone' in said
