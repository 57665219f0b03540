"""Fast NMS against loops over pairs of boxes and released numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmvis.models.stmask.fast_nms import fast_nms, fast_nms_per_class

UNIT = Path(__file__).parents[2] / 'fixtures/stmask/unit'


def load():
    with np.load(UNIT / 'nms.npz') as file:
        numbers = {key: torch.from_numpy(file[key]) for key in file.files}
    numbers['boxes_px'] = numbers['boxes'] * torch.tensor([640.0, 384.0] * 2)
    return numbers


def draw(count, classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 40
    size = torch.rand(count, 2, generator=generator) * 30
    # Some boxes without area, some alike.
    size[::5] = 0
    boxes = torch.cat([corner, corner + size], 1)
    boxes[1::7] = boxes[1]
    # Few different scores, negative ones among them: many ties.
    levels = torch.randint(-2, 12, (count, classes), generator=generator)
    return boxes, levels / 12


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    overlap = width * height
    union = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - overlap
    return overlap / union if union > 0 else 0.0


def loop(boxes, scores, threshold, top_k):
    boxes, scores = boxes.tolist(), scores.tolist()
    order = sorted(range(len(scores)), key=lambda i: -scores[i])[:top_k]
    return [
        i
        for rank, i in enumerate(order)
        if all(iou(boxes[i], boxes[j]) <= threshold for j in order[:rank])
    ]


@pytest.mark.parametrize('top_k', [200, 20])
def test_gives_the_boxes_of_the_release(top_k):
    numbers = load()
    probabilities = numbers['prob_with_bg'][:, 1:]
    best, labels = probabilities.max(1)
    kept = fast_nms(numbers['boxes_px'], best * numbers['centerness'], 0.5, top_k)
    assert torch.equal(numbers['boxes'][kept], numbers[f'cc_top{top_k}_box'])
    assert torch.equal(labels[kept] + 1, numbers[f'cc_top{top_k}_class'])


def test_gives_the_boxes_of_the_release_per_class():
    numbers = load()
    scores = numbers['prob_with_bg'][:, 1:] * numbers['centerness'][:, None]
    kept, labels, scores = fast_nms_per_class(
        numbers['boxes_px'], scores, 0.05, 0.5, top_k=200, max_per_image=100
    )
    assert torch.equal(numbers['boxes'][kept], numbers['perclass_box'])
    assert torch.equal(labels + 1, numbers['perclass_class'])
    torch.testing.assert_close(scores, numbers['perclass_score'])


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('top_k', [1, 15, 100])
def test_removes_what_a_loop_removes(top_k, seed):
    boxes, scores = draw(40, 3, seed)
    scores = scores[:, 0]
    kept = fast_nms(boxes, scores, 0.3, top_k)
    assert kept.tolist() == loop(boxes, scores, 0.3, top_k)


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('top_k, limit', [(100, None), (100, 7), (6, 100)])
def test_per_class_removes_what_a_loop_removes(top_k, limit, seed):
    boxes, scores = draw(40, 3, seed)
    kept, labels, found = fast_nms_per_class(boxes, scores, 0.25, 0.3, top_k, limit)
    expected = [
        (scores[i, c].item(), c, i)
        for c in range(3)
        for i in loop(boxes, scores[:, c], 0.3, top_k)
        if scores[i, c] > 0.25
    ]
    expected = sorted(expected, key=lambda row: -row[0])[:limit]
    rows = zip(found.tolist(), labels.tolist(), kept.tolist(), strict=True)
    assert list(rows) == expected


def test_a_removed_box_still_removes_others():
    # The second falls to the first, the third to the second only.
    boxes = torch.tensor([[0.0, 0, 10, 10], [0.0, 3, 10, 13], [0.0, 6, 10, 16]])
    assert fast_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0]


def test_an_overlap_of_the_threshold_is_no_duplicate():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 9]])
    assert fast_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 1]


def test_without_boxes():
    boxes = torch.zeros(0, 4)
    assert fast_nms(boxes, torch.zeros(0), 0.5).shape == (0,)
    kept, labels, scores = fast_nms_per_class(boxes, torch.zeros(0, 3), 0.05, 0.5)
    assert kept.shape == labels.shape == scores.shape == (0,)
    assert kept.dtype == labels.dtype == torch.int64
