"""The class loss against a loop over anchors and the released numbers."""

import math

import pytest
import torch
from fixtures.stmask_fixtures import load

from mmvis.models.stmask.hard_negative_cross_entropy import (
    HardNegativeCrossEntropyLoss,
)
from mmvis.models.stmask.release.class_loss import ReleasedHardNegativeCrossEntropyLoss

CLASSES = 4
LOSSES = [HardNegativeCrossEntropyLoss, ReleasedHardNegativeCrossEntropyLoss]


def draw(frames=3, anchors=20, positives=(3, 0, 1), seed=0):
    """Logits and labels with the given number of positives in each frame."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(
        frames, anchors, CLASSES + 1, generator=generator, dtype=torch.float64
    )
    labels = torch.full((frames, anchors), CLASSES)
    for row, count in zip(labels, positives, strict=True):
        order = torch.randperm(anchors, generator=generator)
        row[order[:count]] = torch.randint(CLASSES, (count,), generator=generator)
        row[order[count : count + 2]] = -1
    return logits.requires_grad_(), labels


def by_hand(logits, labels, ratio, loss_weight):
    """One anchor after the other, in Python floats."""
    frames, background = [], []
    for frame, row in zip(logits.tolist(), labels.tolist(), strict=True):
        costs = []
        for values, label in zip(frame, row, strict=True):
            total = math.log(sum(math.exp(v) for v in values))
            if label == CLASSES:
                background.append(total - values[-1])
            elif label >= 0:
                costs.append(total - values[label])
        frames.append(costs)
    count = ratio * sum(len(costs) for costs in frames)
    hardest = sorted(background)[::-1][:count]
    positive = sum(sum(costs) / len(costs) for costs in frames if costs) / len(frames)
    negative = sum(hardest) / len(hardest) if hardest else 0.0
    return loss_weight * (positive + 3 * negative) / 4


@pytest.mark.parametrize('ratio', [1, 3, 100])
@pytest.mark.parametrize('positives', [(3, 0, 1), (0, 0, 1), (18, 18, 18), (2, 2, 2)])
def test_is_the_mean_over_positives_and_hardest_negatives(ratio, positives):
    logits, labels = draw(positives=positives)
    loss = HardNegativeCrossEntropyLoss(negative_ratio=ratio, loss_weight=2.0)
    expected = by_hand(logits, labels, ratio, 2.0)
    assert loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)


def released():
    """Logits with the background last, labels, and the stored numbers."""
    stored = {k: torch.from_numpy(v) for k, v in load('unit/loss_pieces').items()}
    logits = stored['conf'].roll(-1, -1).requires_grad_()
    labels = stored['conf_t'] - 1
    labels[stored['conf_t'] == 0] = 40
    labels[stored['conf_t'] == -1] = -1
    return logits, labels, stored


def test_released_pairing_has_the_released_value_and_gradient():
    logits, labels, stored = released()
    # Stored before the division by the number of frames.
    loss = len(labels) * ReleasedHardNegativeCrossEntropyLoss()(logits, labels)
    torch.testing.assert_close(loss, stored['C'][0], rtol=1e-5, atol=0)
    loss.backward()
    expected = stored['grad_conf_from_C'].roll(-1, -1)
    torch.testing.assert_close(logits.grad, expected, rtol=1e-4, atol=1e-6)


def test_takes_the_released_negatives():
    logits, labels, stored = released()
    loss = HardNegativeCrossEntropyLoss()
    taken = loss.hard_negatives(logits, labels == 40, (labels >= 0) & (labels < 40))
    assert torch.equal(taken.flatten(), stored['ohem_neg_flag_flat'] > 0)
    # What the released numbers come to with the right pairing, computed elsewhere.
    value = len(labels) * loss(logits, labels).item()
    assert value == pytest.approx(51.760, abs=5e-4)


def test_only_the_right_pairing_is_free_of_the_order_of_anchors():
    logits, labels = draw(positives=(4, 1, 2))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    for loss, same in zip([build() for build in LOSSES], (True, False), strict=True):
        one, other = loss(logits, labels), loss(logits[:, order], labels[:, order])
        assert torch.allclose(one, other, rtol=1e-12) == same


@pytest.mark.parametrize('build', LOSSES)
def test_ignored_and_easy_anchors_get_no_gradient(build):
    logits, labels = draw()
    build()(logits, labels).backward()
    touched = logits.grad.abs().sum(-1) > 0
    positive = (labels >= 0) & (labels < CLASSES)
    assert not touched[labels == -1].any()
    assert touched[positive].all()
    assert touched.sum() == 4 * positive.sum()


@pytest.mark.parametrize('build', LOSSES)
@pytest.mark.parametrize('value', [-1, CLASSES])
def test_no_positive_is_zero_and_connected(build, value):
    logits, labels = draw()
    with torch.no_grad():
        logits[0, 0] = torch.inf
    loss = build()(logits, torch.full_like(labels, value))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_logits_lose_nothing_more(dtype):
    logits, labels = draw()
    logits = logits.detach().to(dtype)
    loss = HardNegativeCrossEntropyLoss()
    with torch.autocast('cpu', torch.bfloat16):
        half = loss(logits, labels)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, loss(logits.float(), labels))
