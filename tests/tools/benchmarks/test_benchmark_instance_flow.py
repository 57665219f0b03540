"""The table has a row a number of reference frames, whose memory grows as it should."""

import json
import runpy

from model_factory import CONFIGS
from time_tables import TOOLS


def test_report(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    out = tmp_path / 'report.json'
    config = CONFIGS / 'tiny/instance_flow_tiny_synthvis.py'
    arguments = f'{config} --references 1 3 --rounds 1 --objects 2 --size 96 160'
    main = runpy.run_path(str(TOOLS / 'instance_flow.py'))['main']
    main([*arguments.split(), '--out', str(out)])
    none, one, three = json.loads(out.read_text())['rows']
    assert [row['references'] for row in (none, one, three)] == [0, 1, 3]
    assert [row['objects'] for row in (none, one, three)] == [2, 2, 2]
    assert none['mib'] == 0
    # Keys and values: 126 channels at stride 16, 62 at stride 8.
    assert one['mib'] * 2**20 == 4 * (126 * 6 * 10 + 62 * 12 * 20)
    assert three['mib'] == 3 * one['mib']
    assert three['ratio'] == three['ms'] / one['ms']
    assert 'MiB' in capsys.readouterr().out
