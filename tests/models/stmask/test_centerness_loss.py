"""The centerness loss against formulas in Python floats and the released numbers."""

import math

import pytest
import torch
from fixtures.stmask_fixtures import load
from mmdet.models.losses import DIoULoss
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder

from mmvis.models.stmask.centerness_loss import CenternessLoss

# Released boxes are fractions of the input. A DIoU does not change with a common
# factor, but mmdet's epsilons are for boxes of many pixels.
SIDE = 1000.0


def diou(box, other):
    """Intersection over union less the squared ratio of distance and diagonal."""
    (a, b, c, d), (e, f, g, h) = box, other
    common = max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0)
    union = (c - a) * (d - b) + (g - e) * (h - f) - common
    distance = math.dist(((a + c) / 2, (b + d) / 2), ((e + g) / 2, (f + h) / 2))
    diagonal = math.dist((min(a, e), min(b, f)), (max(c, g), max(d, h)))
    return common / union - (distance / diagonal) ** 2


def draw(count):
    generator = torch.Generator().manual_seed(1)

    def boxes():
        low = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 50
        size = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 40
        return torch.cat([low, low + size + 2], 1)

    centerness = torch.rand(count, generator=generator, dtype=torch.float64) * 4 - 2
    weights = torch.rand(count, generator=generator, dtype=torch.float64)
    return centerness.requires_grad_(), boxes().requires_grad_(), boxes(), weights


@pytest.mark.parametrize('detach', [True, False])
def test_is_smooth_l1_to_the_diou(detach):
    centerness, boxes, gts, weights = draw(30)
    loss = CenternessLoss(detach_target=detach, loss_weight=2.0)(
        centerness, boxes, gts, weights, num_frames=4
    )
    expected = 0.0
    rows = zip(*(v.tolist() for v in (centerness, boxes, gts, weights)), strict=True)
    for value, box, gt, weight in rows:
        error = abs(value - diou(box, gt))
        expected += weight * (error**2 / 2 if error < 1 else error - 0.5)
    assert loss.item() == pytest.approx(2 / 4 * expected, rel=1e-6)
    loss.backward()
    assert (centerness.grad != 0).all()
    assert (boxes.grad is None) == detach


def test_has_the_released_value_and_gradients():
    stored = {k: torch.from_numpy(v) for k, v in load('unit/loss_pieces').items()}
    centerness = stored['centerness'].requires_grad_()
    deltas = stored['loc'].requires_grad_()
    positive = stored['conf_t'] > 0
    centre, size = stored['priors'][positive].split(2, dim=1)
    priors = torch.cat([centre - size / 2, centre + size / 2], 1)
    coder = DeltaXYWHBBoxCoder(target_stds=(0.1, 0.1, 0.2, 0.2))
    boxes = coder.decode(priors * SIDE, deltas[positive])
    gts = stored['gt_boxes_t'][positive] * SIDE
    weights = (positive / positive.sum(1, keepdim=True))[positive]
    # Stored before the division by the number of frames.
    loss = CenternessLoss(detach_target=False)(
        centerness[positive].squeeze(1), boxes, gts, weights, num_frames=1
    )
    torch.testing.assert_close(loss, stored['center'][0], rtol=1e-5, atol=0)
    loss.backward()
    for tensor, name in ((centerness, 'centerness'), (deltas, 'loc')):
        expected = stored[f'grad_{name}_from_center']
        torch.testing.assert_close(tensor.grad, expected, rtol=1e-4, atol=1e-5)


def test_mmdets_diou_is_the_released_one():
    stored = {k: torch.from_numpy(v) for k, v in load('unit/boxes').items()}
    boxes, gts = stored['decoded_xyxy'] * SIDE, stored['gt_xyxy'] * SIDE
    loss = DIoULoss(reduction='none')(boxes, gts)
    torch.testing.assert_close(1 - loss, stored['diou_pairs'], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('detach', [True, False])
def test_no_positive_is_zero_and_connected(detach):
    centerness, boxes, gts, weights = draw(0)
    loss = CenternessLoss(detach_target=detach)(centerness, boxes, gts, weights, 2)
    loss.backward()
    assert loss == 0
    assert centerness.grad.shape == (0,)


def test_boxes_of_no_area_stay_finite():
    point = torch.tensor([[5.0, 5.0, 5.0, 5.0]], requires_grad=True)
    centerness = torch.zeros(1, requires_grad=True)
    loss = CenternessLoss(detach_target=False)(
        centerness, point, point.detach(), torch.ones(1), 1
    )
    loss.backward()
    assert loss.isfinite()
    assert point.grad.isfinite().all()


def test_half_precision_is_computed_in_full():
    values = [v.detach().bfloat16() for v in draw(8)]
    loss = CenternessLoss()
    with torch.autocast('cpu', torch.bfloat16):
        half = loss(*values, 2)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, loss(*(v.float() for v in values), 2))
