"""What the comparison of tracks counts, by results whose differences are known."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks

TOOLS = Path(__file__).resolve().parents[3] / 'tools/benchmarks'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import same_tracks

    yield same_tracks
    sys.modules.pop('same_tracks')


def frame(columns: int = 4, ids: tuple = (3, 5), score: float = 0.5) -> FrameResult:
    """Two masks of one row, the first one some columns wide."""
    masks = np.zeros((2, 6, 8), bool)
    masks[0, 0, :columns] = masks[1, 5, :4] = True
    boxes = [[0, 0, columns, 1], [0, 5, 4, 6]]
    scores = [score, 0.5]
    return FrameResult(0, (6, 8), boxes, scores, [1, 2], ids, encode_masks(masks))


def test_what_is_counted(tool):
    same, other = frame(), frame(columns=5, score=0.7)
    swapped = same[[1, 0]]  # the same in another order
    renamed = frame(ids=(3, 6))
    relabelled = replace(same, labels=[1, 1])
    expected = [[same, same], [same, same, same]]
    found = tool.compare(expected, [[same, swapped], [other, renamed, relabelled]])
    assert (found['frames'], found['equal'], found['instances']) == (5, 3, 6)
    assert found['scores'][0] == 0 and found['scores'][2] == pytest.approx(0.2)
    assert found['bboxes'][2] == 1
    assert found['mask_iou'] == pytest.approx((5 + 4 / 5) / 6)
    assert found['pixels'] == pytest.approx(1 / (3 * 8))
    lines = tool.table(dict(ways=dict(onnxruntime=found))).splitlines()
    assert len(lines) == 3 and '| 3 of 5 |' in lines[2]


def test_nothing_equal_is_no_trouble(tool):
    found = tool.compare([[frame()]], [[frame(ids=(1, 2))]])
    assert found['equal'] == 0 and found['scores'] == [0, 0, 0]
    assert '| 0 of 1 |' in tool.table(dict(ways=dict(openvino=found)))
