"""Duplicates of several frames removed at once, and by loops over boxes."""

import pytest
import torch

from mmvis.models.common.frame_nms import best_of_frames, first_of_frames, nms_of_frames

FRAMES, THR = 4, 0.4


def iou(one, other):
    low, high = torch.maximum(one[:2], other[:2]), torch.minimum(one[2:], other[2:])
    common = (high - low).clamp(min=0).prod()
    areas = [(box[2:] - box[:2]).prod() for box in (one, other)]
    return common / (areas[0] + areas[1] - common)


def by_loops(boxes, scores, labels, frame, steps):
    """Indices frame by frame; ``steps`` are (condition of an index, how many)."""
    found, counts = [], []
    for number in range(FRAMES):
        kept = []
        for i in scores.argsort(descending=True).tolist():
            rivals = (j for j in kept if labels is None or bool(labels[i] == labels[j]))
            if frame[i] == number and not any(
                iou(boxes[i], boxes[j]) > THR for j in rivals
            ):
                kept.append(i)
        for condition, most in steps:
            kept = [i for i in kept if condition(i)][:most]
        found += kept
        counts.append(len(kept))
    return found, counts


@pytest.mark.parametrize('with_labels', [False, True])
@pytest.mark.parametrize('kind', ['nms', 'in_parts'])
def test_equals_loops(with_labels, kind):
    """None is in the third frame; one frame reaches far beyond the others."""
    generator = torch.Generator().manual_seed(0)
    count = 60
    corner = torch.rand(count, 2, generator=generator) * 40
    boxes = torch.cat(
        [corner, corner + 8 + 20 * torch.rand(count, 2, generator=generator)], dim=1
    )
    scores = torch.rand(count, generator=generator)
    labels = torch.randint(0, 2, (count,), generator=generator)
    frame = torch.tensor([0, 1, 3])[torch.randint(0, 3, (count,), generator=generator)]
    boxes[frame == 3] *= 10
    labels = labels if with_labels else None
    cfg = dict(type='nms', iou_threshold=THR)
    if kind == 'in_parts':
        # What is not known to be moved apart: one frame after the other.
        cfg['score_threshold'] = 0.0
    given = boxes, scores, labels, frame, FRAMES, cfg
    found = lists(nms_of_frames(*given, None))
    assert found == by_loops(boxes, scores, labels, frame, [])
    found = lists(nms_of_frames(*given, None, frame_size=(400, 700)))
    assert found == by_loops(boxes, scores, labels, frame, [])
    steps = [(lambda i: scores[i] > 0.3, 6)]
    found = lists(nms_of_frames(*given, 6, min_score=0.3))
    assert found == by_loops(boxes, scores, labels, frame, steps)
    assert max(found[1]) == 6 and found[1][2] == 0
    # The six best are those before the wish, of which there are two at most.
    wish = (lambda i: int(i) % 3 > 0, 2)
    found = lists(
        nms_of_frames(*given, 6, wanted=lambda rows: rows % 3 > 0, most_wanted=2)
    )
    assert found == by_loops(boxes, scores, labels, frame, [(lambda i: True, 6), wish])


def lists(result):
    rows, counts = result
    return rows.tolist(), counts


def test_one_frame_and_no_box():
    boxes = torch.tensor([[0.0, 0, 9, 9], [1, 1, 9, 9], [20, 20, 30, 30]])
    scores, frame = torch.tensor([0.5, 0.9, 0.7]), torch.zeros(3, dtype=torch.long)
    cfg = dict(type='nms', iou_threshold=THR)
    given = boxes, scores, None, frame, 1, cfg, 5
    assert lists(nms_of_frames(*given)) == ([1, 2], [2])
    for frames in (1, 2):
        given_all = boxes, scores, None, frame, frames, cfg, -1
        assert lists(nms_of_frames(*given_all)) == ([1, 2], [2, 0][:frames])
    found = nms_of_frames(*given, wanted=lambda rows: rows > 1, most_wanted=1)
    assert lists(found) == ([2], [1])
    found = nms_of_frames(boxes[:0], scores[:0], None, frame[:0], FRAMES, cfg, 5)
    assert lists(found) == ([], [0] * FRAMES)


def test_the_best_of_frames_in_steps():
    frame = torch.tensor([0, 0, 0, 2, 2, 2, 2])
    good = torch.tensor([False, True, True, True, False, True, True])
    assert lists(best_of_frames(frame, 3, [(good, 2)])) == ([1, 2, 3, 5], [2, 0, 2])
    steps = [(None, 2), (good, None)]
    assert lists(best_of_frames(frame, 3, steps)) == ([1, 3], [1, 0, 1])
    assert lists(best_of_frames(frame, 3, [])) == (list(range(7)), [3, 0, 4])


@pytest.mark.parametrize(
    ('most', 'kept', 'counts'),
    [
        (2, [10, 11, 13, 14], [2, 0, 2, 0]),
        (3, [10, 11, 12, 13, 14, 15], [3, 0, 3, 0]),
        (None, [10, 11, 12, 13, 14, 15], [3, 0, 3, 0]),
        (0, [], [0] * 4),
    ],
)
def test_the_first_of_frames(most, kept, counts):
    """What is of no frame comes last and is left out."""
    frame, values = torch.tensor([0, 0, 0, 2, 2, 2, 4, 4]), torch.arange(10, 18)
    assert lists(first_of_frames(values, frame, 4, most)) == (kept, counts)
    assert lists(first_of_frames(values[:0], frame[:0], 4, most)) == ([], [0] * 4)


def test_duplicates_in_half_precision_of_many_frames():
    """Moved apart in half precision, boxes of the last frames would be infinite."""
    boxes = torch.tensor([[3.0, 4, 30, 31]]).half().repeat(200, 1)
    scores, frame = torch.linspace(1, 0.5, 200), torch.arange(200) // 2
    cfg = dict(type='nms', iou_threshold=THR)
    given = boxes, scores, None, frame, 100, cfg, None
    for size in (None, (400, 700)):
        found = lists(nms_of_frames(*given, frame_size=size))
        assert found == (list(range(0, 200, 2)), [1] * 100)
