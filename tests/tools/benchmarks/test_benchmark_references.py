"""The table has a row a length of memory, whose size grows as it should."""

import json
import runpy

import pytest
from model_factory import CONFIGS
from time_tables import TOOLS

from mmvis.engine.command_line import user_message


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return runpy.run_path(str(TOOLS / 'references.py'))['main']


def test_report(main, tmp_path, capsys):
    out = tmp_path / 'report.json'
    config = CONFIGS / 'tiny/tfan_tiny_synthvis.py'
    arguments = f'{config} --frames 0 2 --rounds 1 --objects 2 --size 96 160'
    main([*arguments.split(), '--out', str(out)])
    none, alone, two = json.loads(out.read_text())['rows']
    assert [row['frames'] for row in (none, alone, two)] == ['none', 0, 2]
    assert none['mib'] == 0
    # 32 proposals a frame, of 7x7 and 14x14 features of 64 channels and the rest.
    assert alone['mib'] * 2**20 == 32 * 4 * (64 * (49 + 196) + 64 + 4 + 1)
    assert two['mib'] == 3 * alone['mib']
    assert two['ratio'] == two['ms'] / none['ms']
    assert 'MiB' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (CONFIGS / 'none.py', 'does not exist'),
        (CONFIGS / 'masktrack_rcnn_r50.py', 'not of a TFAN'),
        (CONFIGS / 'ablations/tfan/tfan_r50_cascade.py', 'with an augmentation'),
    ],
)
def test_a_config_that_is_of_no_use(main, config, message):
    with pytest.raises((ValueError, FileNotFoundError)) as raised:
        main([str(config)])
    assert message in user_message(raised.value)
