"""The released assignment against a loop over anchors and stored targets."""

import math

import pytest
import torch
from fixtures.stmask_fixtures import load
from mmengine.structures import InstanceData

from mmvis.models.stmask.release.class_aware_assigner import ClassAwareAssigner

SCALE = torch.tensor([320.0, 192.0, 320.0, 192.0])


def assign(priors, logits, bboxes, labels, **kwargs):
    return ClassAwareAssigner(**kwargs).assign(
        InstanceData(priors=priors, logits=logits),
        InstanceData(bboxes=bboxes, labels=labels),
    )


def overlap(box, other):
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
    return common / (sum(areas) - common)


def by_hand(priors, logits, bboxes, labels, pos=0.5, neg=0.4):
    """gt_inds by the three steps of the assigner's docstring, anchor by anchor."""
    ious = [[overlap(b, p) for p in priors] for b in bboxes]
    count = len(priors)
    gt = [max(range(len(bboxes)), key=lambda g: ious[g][n]) for n in range(count)]
    value = [ious[gt[n]][n] for n in range(count)]
    for n in range(count):
        if sum(row[n] > pos - 0.1 for row in ious) > 1:
            value[n] = (pos + neg) / 2
    scores = {}
    for n in range(count):
        if value[n] > pos:
            top = [math.exp(v) for v in logits[n]]
            p = top[labels[gt[n]]] / sum(top)
            scores[n] = 2 * p / (1 + p)
            value[n] += scores[n]
    mean = sum(scores.values()) / len(scores) if scores else 0.0
    objects, anchors = set(range(len(bboxes))), set(range(count))
    while objects and anchors:
        pairs = [(ious[g][n], -g, -n) for g in objects for n in anchors]
        _, g, n = max(pairs)
        gt[-n], value[-n] = -g, 2.0
        objects.remove(-g)
        anchors.remove(-n)
    return [
        0 if v < neg + mean else -1 if v < pos + mean else g + 1
        for v, g in zip(value, gt, strict=True)
    ]


def draw(seed, num_priors=150, num_gts=4, classes=5, spread=30):
    generator = torch.Generator().manual_seed(seed)

    def boxes(count):
        low = torch.rand(count, 2, generator=generator, dtype=torch.float64) * spread
        size = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 30
        return torch.cat([low, low + size + 10], 1)

    shape = num_priors, classes + 1
    logits = torch.randn(*shape, generator=generator, dtype=torch.float64) * 2
    labels = torch.randint(classes, (num_gts,), generator=generator)
    return boxes(num_priors), logits, boxes(num_gts), labels


def test_is_what_a_loop_assigns():
    seen = set()
    for seed in range(12):
        case = draw(seed)
        result = assign(*case)
        expected = by_hand(*(v.tolist() for v in case))
        assert result.gt_inds.tolist() == expected
        assert result.num_gts == 4
        seen.update(expected)
    assert seen == {-1, 0, 1, 2, 3, 4}


def test_other_thresholds():
    case = draw(3)
    result = assign(*case, pos_iou_thr=0.7, neg_iou_thr=0.3)
    expected = by_hand(*(v.tolist() for v in case), pos=0.7, neg=0.3)
    assert result.gt_inds.tolist() == expected
    assert expected != by_hand(*(v.tolist() for v in case))


@pytest.mark.parametrize('case', ['three', 'overlap', 'tiny'])
def test_gives_the_released_targets(case):
    stored = {k: torch.from_numpy(v) for k, v in load('unit/match').items()}
    centre, size = stored['priors'].split(2, dim=1)
    priors = torch.cat([centre - size / 2, centre + size / 2], 1) * SCALE
    logits = stored['conf_logits_f16'].float().roll(-1, -1)
    labels = stored[f'{case}_labels'] - 1
    result = assign(priors, logits, stored[f'{case}_bbox'] * SCALE, labels)
    positive = result.gt_inds > 0
    expected = stored[f'{case}_conf_t'].long()
    assert torch.equal(result.labels[positive] + 1, expected[positive])
    assert torch.equal(result.gt_inds.clamp(max=0), expected.clamp(max=0))
    objects = stored[f'{case}_idx_t'].long()
    assert torch.equal(result.gt_inds[positive] - 1, objects[positive])
    assert (result.labels[~positive] == -1).all()


def test_the_order_of_objects_does_not_matter():
    priors, logits, bboxes, labels = draw(5)
    one = assign(priors, logits, bboxes, labels).gt_inds
    order = torch.tensor([2, 0, 3, 1])
    other = assign(priors, logits, bboxes[order], labels[order]).gt_inds
    position = torch.cat([torch.zeros(1).long(), order.argsort() + 1])
    assert torch.equal(other.clamp(max=0), one.clamp(max=0))
    assert torch.equal(other.clamp(min=0), position[one.clamp(min=0)])


def test_every_object_gets_an_anchor_even_far_from_all():
    priors, logits, bboxes, labels = draw(6)
    bboxes = bboxes + torch.tensor([[0.0], [1000.0], [2000.0], [0.0]])
    assert set(assign(priors, logits, bboxes, labels).gt_inds.tolist()) >= {1, 2, 3, 4}


def test_more_objects_than_anchors():
    priors, logits, bboxes, labels = draw(7, num_priors=2, num_gts=5)
    result = assign(priors, logits, bboxes, labels)
    assert result.gt_inds.tolist() == by_hand(
        *(v.tolist() for v in (priors, logits, bboxes, labels))
    )
    assert (result.gt_inds > 0).all()


def test_no_object_and_no_anchor():
    priors, logits, bboxes, labels = draw(8)
    result = assign(priors, logits, bboxes[:0], labels[:0])
    assert result.gt_inds.tolist() == [0] * len(priors)
    result = assign(priors[:0], logits[:0], bboxes, labels)
    assert result.gt_inds.shape == result.max_overlaps.shape == (0,)


def test_logits_that_are_not_numbers_make_no_positives():
    priors, logits, bboxes, labels = draw(9)
    healthy = (assign(priors, logits, bboxes, labels).gt_inds > 0).sum()
    logits[::2] = torch.nan
    some = (assign(priors, logits, bboxes, labels).gt_inds > 0).sum()
    assert 0 < some <= 2 * healthy < len(priors) / 2


def test_targets_carry_no_gradient_and_leave_the_inputs():
    priors, logits, bboxes, labels = draw(10)
    before = [v.clone() for v in (priors, logits, bboxes, labels)]
    result = assign(priors, logits.requires_grad_(), bboxes, labels)
    assert not result.max_overlaps.requires_grad
    for one, other in zip((priors, logits, bboxes, labels), before, strict=True):
        assert torch.equal(one.detach(), other)
