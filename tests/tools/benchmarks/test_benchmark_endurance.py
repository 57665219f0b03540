"""The benchmark of long videos sees what grows."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvis.models.trackers.track_memory import TrackMemory
from mmvis.tracking import MaskTracker

TOOLS = Path(__file__).resolve().parents[3] / 'tools/benchmarks'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import endurance

    yield endurance
    sys.modules.pop('endurance')


def test_report(tool, tmp_path, capsys):
    words = ['--frames', '16', '--window', '6', '--lifetime', '6', '--kinds', 'json']
    words += ['--files', str(tmp_path / 'seen'), '--out', str(tmp_path / 'out.json')]
    tool.main(['masktrack_rcnn_tiny_synthvis', *words])
    [row] = json.loads((tmp_path / 'out.json').read_text())['rows']
    assert row['frames'] == 16 and row['objects'] > 4
    assert 1 <= row['instances'] <= 4 and row['living'] >= 1
    # Both ends are of the same work: within what a busy machine does to the times.
    assert 0.2 < row['late_by_fresh'] < 5
    assert row['files_mib'] > 0 and (tmp_path / 'seen').is_dir()
    assert 'late / fresh' in capsys.readouterr().out
    # A later run keeps the models that it has not.
    page, text = (
        tmp_path / 'page.md',
        '<!-- endurance: begin --><!-- endurance: end -->',
    )
    page.write_text(text)
    words = ['--frames', '4', '--window', '2', '--out', str(tmp_path / 'out.json')]
    tool.main(['sg_net_tiny_synthvis', *words, '--page', str(page)])
    rows = json.loads((tmp_path / 'out.json').read_text())['rows']
    assert rows[0] == row and rows[1]['frames'] == 4
    assert page.read_text().count('_tiny_synthvis`') == 2


def test_objects_come_and_go(tool):
    from measuring.traffic import Traffic

    traffic = Traffic(4, (64, 96), 20)
    lives: dict[int, list[int]] = {}
    for number in range(200):
        scene = traffic.scene(number)
        assert len(scene.boxes) == len(scene.objects) >= 1
        assert (scene.boxes[:, 2:] > scene.boxes[:, :2]).all()
        assert (scene.boxes >= 0).all() and (scene.boxes[:, 2] <= 96).all()
        for key in scene.objects:
            lives.setdefault(key, []).append(number)
    assert len(lives) > 4 * 200 / 30
    for numbers in list(lives.values())[:-4]:
        assert len(numbers) < 30 and numbers[-1] - numbers[0] < 30


def test_what_a_state_holds_is_found(tool):
    from measuring.long_videos import growth, living_tracks, tensor_bytes

    memory = TrackMemory(None)
    memory.update(torch.arange(3), 0, bboxes=torch.zeros(3, 4))
    few = tensor_bytes(memory)
    memory.update(torch.arange(3, 9), 1, bboxes=torch.zeros(6, 4))
    assert living_tracks(memory) == 9
    assert tensor_bytes(memory) - few == 6 * (8 + 8 + 16)
    tracker = MaskTracker()
    tracker.update(np.ones((1, 4, 4), bool))
    assert living_tracks(tracker) == 1 and tensor_bytes(tracker) > 0
    line = growth([(n, 1000 + 3 * n) for n in range(0, 2001, 50)], 500)
    assert line['grown_kib'] == 4500
    assert line['kib_a_thousand_frames'] == pytest.approx(3000)
