"""The benchmark of training clips counts every step, of clips that are as mmdet's."""

import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / 'tools/benchmarks'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import data_pipeline

    yield data_pipeline
    sys.modules.pop('data_pipeline')


def test_report(tool, tmp_path, capsys):
    out = tmp_path / 'report.json'
    words = '--size 72 128 --videos 2 --frames 3 --clips 2 --rounds 1 --workers 1'
    words += ' --batches 3'
    tool.main(['instance_flow_r50', *words.split(), '--out', str(out)])
    [row] = json.loads(out.read_text())['rows']
    assert row['batch'] == 4 and row['ratio'] > 0
    for ms in (row['ms'], row['mmdet_ms']):
        assert {'LoadVISFrame: decode', 'ClipFixedSizeCrop', 'other'} <= ms.keys()
        assert all(value > 0 for value in ms.values())
    loader = row['loader']
    assert loader['batch'] == 4 and loader['batches_a_second'] > 0
    of_cores = loader['cores'] * loader['clips_a_second_and_core']
    assert loader['clips_a_second'] == pytest.approx(of_cores)
    assert 'clips a second and core' in capsys.readouterr().out


def test_other_clips_are_no_comparison(tool, tmp_path, monkeypatch):
    from measuring import clip_pipeline

    from mmvis.datasets.transforms.run_length_masks import RunLengthMasks

    wrong = lambda self, scale, *_: self.resize((20, 30)).flip()  # noqa: E731
    monkeypatch.setattr(RunLengthMasks, 'rescale', wrong)
    clip_pipeline.write_set(tmp_path, (72, 128), 1, 3)
    with pytest.raises(ValueError, match="not those of mmdet's"):
        clip_pipeline.compare('stmask_r50', tmp_path, 1, 1)
