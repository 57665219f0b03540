"""The loss against boxes by hand, formulas in Python floats and differences."""

import math

import pytest
import torch
from mmdet.models.losses import GIoULoss

from mmvis.models.sg_net.log_giou_loss import LogGIoULoss
from mmvis.registry import MODELS


def plain_loss(box, other, eps):
    """Eq. 5 in floats, with the tangent below eps."""
    (a, b, c, d), (e, f, g, h) = box, other
    common = max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0)
    union = (c - a) * (d - b) + (g - e) * (h - f) - common
    enclosing = (max(c, g) - min(a, e)) * (max(d, h) - min(b, f))
    u = (1 + common / union - (enclosing - union) / enclosing) / 2
    return -math.log(u) if u >= eps else -math.log(eps) + (eps - u) / eps


def draw(n, spread=30.0, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def boxes():
        low = torch.rand(n, 2, generator=generator, dtype=torch.float64) * spread
        size = torch.rand(n, 2, generator=generator, dtype=torch.float64) * 20
        return torch.cat([low, low + size + 1], 1)

    return boxes(), boxes()


@pytest.mark.parametrize(
    ('pred', 'target', 'giou'),
    [
        ([0, 0, 4, 4], [0, 0, 4, 4], 1.0),
        ([0, 0, 2, 2], [1, 1, 3, 3], 1 / 7 - 2 / 9),
        ([0, 0, 2, 2], [0, 0, 4, 4], 1 / 4),
        ([0, 0, 1, 1], [1, 0, 2, 1], 0.0),
        ([0, 0, 1, 1], [2, 2, 3, 3], -7 / 9),
    ],
)
def test_boxes_by_hand(pred, target, giou):
    pred, target = torch.tensor([[pred], [target]]).double()
    loss = LogGIoULoss()(pred, target)
    assert loss.item() == pytest.approx(-math.log((1 + giou) / 2), abs=1e-6)


@pytest.mark.parametrize('eps', [1e-3, 0.3])
def test_equals_the_formula_in_floats(eps):
    pred, target = draw(200)
    module = MODELS.build(dict(type='LogGIoULoss', eps=eps, loss_weight=2.0))
    loss = module(pred, target, reduction_override='none')
    wanted = [
        2 * plain_loss(p, t, eps)
        for p, t in zip(pred.tolist(), target.tolist(), strict=True)
    ]
    torch.testing.assert_close(loss, torch.tensor(wanted).double())
    # Both branches are there at the larger eps.
    beyond = (loss > -2 * math.log(eps)).double().mean()
    assert beyond == 0 if eps == 1e-3 else 0.05 < beyond < 0.95


@pytest.mark.parametrize('eps', [1e-3, 0.3])
def test_gradients_are_differences(eps):
    # Without common edges, where the loss has a kink.
    pred, target = draw(20, seed=1)
    loss = LogGIoULoss(eps=eps)
    assert torch.autograd.gradcheck(lambda p: loss(p, target), pred.requires_grad_())


def test_the_tangent_goes_on_without_a_step_or_a_bend():
    # Unit squares so far apart that u = 1 / (1 + shift) is just 0.1.
    pred = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).double()
    values, slopes = [], []
    for shift in (9 - 1e-6, 9 + 1e-6):
        target = torch.tensor([[shift, 0.0, shift + 1, 1.0]]).double().requires_grad_()
        loss = LogGIoULoss(eps=0.1)(pred, target)
        loss.backward()
        values.append(loss.item())
        slopes.append(target.grad[0, 0].item())
    assert values == pytest.approx([math.log(10)] * 2, abs=1e-6)
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-4)


def test_the_gradient_neither_dies_nor_explodes_as_giou_goes_to_minus_one():
    # Boxes of a pixel, and farther apart than any frame is wide.
    target = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    for shift in (10.0, 100.0, 1000.0, 5000.0):
        boxes = (target + shift).requires_grad_(), (target.double() + shift)
        boxes[1].requires_grad_()
        losses = [LogGIoULoss()(box, target.to(box.dtype)) for box in boxes]
        # At u = 0 the tangent has risen by one.
        assert 4 < losses[0].item() <= 1 - math.log(1e-3) + 1e-4
        for loss in losses:
            loss.backward()
        torch.testing.assert_close(
            boxes[0].grad, boxes[1].grad.float(), rtol=0.05, atol=0.0
        )
        # The near edges are pulled in, and harder than the far ones are pushed out.
        near, far = boxes[0].grad.squeeze(0).split(2)
        assert (near > 0).all() and (far < 0).all() and (near >= -far).all()
        assert boxes[0].grad.abs().max() < 1


@pytest.mark.parametrize('eps', [1e-3, 1e-2, 1.0])
def test_the_derivative_to_giou_is_bounded(eps):
    pred, target = draw(300, spread=300.0)
    rates = []
    for loss in (LogGIoULoss(eps=eps), GIoULoss()):
        boxes = pred.clone().requires_grad_()
        loss(boxes, target, reduction_override='none').sum().backward()
        rates.append(boxes.grad.norm(dim=1))
    rate = rates[0] / rates[1]
    assert rate.max() <= 1 / (2 * eps) * (1 + 1e-6)
    # And a bad fit gets more than GIoU's own loss gives it.
    assert rate.min() > 0.5 - 1e-6


@pytest.mark.parametrize(
    ('pred', 'target'),
    [
        ([5.0, 5.0, 5.0, 5.0], [5.0, 5.0, 5.0, 5.0]),
        ([5.0, 5.0, 5.0, 5.0], [0.0, 0.0, 9.0, 9.0]),
        ([5.0, 0.0, 5.0, 9.0], [7.0, 0.0, 7.0, 9.0]),
        ([5.0, 5.0, 5.0, 5.0], [8.0, 8.0, 8.0, 8.0]),
        ([0.0, 0.0, 1e6, 1e6], [5.0, 5.0, 5.0, 5.0]),
    ],
)
def test_boxes_of_no_area_stay_finite(pred, target):
    pred, target = torch.tensor([[pred], [target]])
    pred = pred.clone().requires_grad_()
    loss = LogGIoULoss()(pred, target)
    loss.backward()
    assert 0 <= loss.item() < 8
    assert pred.grad.isfinite().all()


@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
@pytest.mark.parametrize('wide', [False, True])
def test_weights_and_reductions_are_those_of_mmdet(reduction, wide):
    pred, target = draw(9)
    weight = torch.rand(9, 4, dtype=torch.float64) if wide else torch.arange(9.0)
    each = LogGIoULoss(reduction='none')(pred, target)
    weighted = each * (weight.mean(1) if wide else weight)
    wanted = dict(mean=weighted.mean(), sum=weighted.sum(), none=weighted)[reduction]
    loss = LogGIoULoss(reduction=reduction)
    torch.testing.assert_close(loss(pred, target, weight), wanted)
    override = LogGIoULoss()(pred, target, weight, reduction_override=reduction)
    torch.testing.assert_close(override, wanted)
    if reduction == 'mean':
        wanted = weighted.sum() / 5
        torch.testing.assert_close(loss(pred, target, weight, 5.0), wanted)


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('weight', [None, torch.zeros(0), torch.zeros(0, 4)])
def test_nothing_is_zero_and_connected(reduction, weight):
    pred = torch.zeros(0, 4, requires_grad=True)
    factors = [None] if reduction == 'sum' else [None, 0.0, torch.tensor(1.0)]
    for avg_factor in factors:
        loss = LogGIoULoss(reduction=reduction)(
            pred, pred.detach(), weight, avg_factor=avg_factor
        )
        assert loss.shape == () and loss.item() == 0
        loss.backward()
        assert pred.grad.shape == (0, 4)
    none = LogGIoULoss(reduction='none')(pred, pred.detach(), weight)
    assert none.shape == (0,)


def test_weights_of_zero_are_zero_and_connected():
    pred, target = draw(4)
    loss = LogGIoULoss()(pred.requires_grad_(), target, torch.zeros(4), avg_factor=0.0)
    loss.backward()
    assert loss == 0
    assert (pred.grad == 0).all()


def test_half_precision_is_computed_in_full():
    pred, target = (boxes.bfloat16() for boxes in draw(8))
    with torch.autocast('cpu', torch.bfloat16):
        half = LogGIoULoss()(pred, target)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, LogGIoULoss()(pred.float(), target.float()))


def test_choices_that_are_none_are_named():
    pred, target = draw(2)
    for eps in (0.0, -1.0, 2.0):
        with pytest.raises(ValueError, match=r'eps must be in \(0, 1\]'):
            LogGIoULoss(eps=eps)
    with pytest.raises(ValueError, match=r"reduction must be one of .*'median'"):
        LogGIoULoss(reduction='median')
    with pytest.raises(ValueError, match=r"reduction must be one of .*'max'"):
        LogGIoULoss()(pred, target, reduction_override='max')
    with pytest.raises(ValueError, match='sum'):
        LogGIoULoss(reduction='sum')(pred, target, avg_factor=2.0)
