"""The mask loss against loops over pixels, and its limits of memory and samples."""

import math

import pytest
import torch

from mmvis.models.stmask import prototype_mask_loss
from mmvis.models.stmask.prototype_mask_loss import PrototypeMaskLoss

# Not of one ratio, so that the axes cannot be mixed up.
INPUT, SIZE = (16, 24), (4, 8)
RATIOS = SIZE[0] / INPUT[0], SIZE[1] / INPUT[1]
RELEASE = dict(crop='predicted', enlarge=1.2, resolution='input')
WAYS = {
    'paper': {},
    'release': RELEASE,
    'release_shift': dict(resolution='input', least_side=0.0),
    'predicted': dict(crop='predicted', coefficient_activation=None),
}


def draw(instances=7, frames=3, seed=0, dtype=torch.float64):
    """Arguments of the loss; the middle frame has no instance."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64).to(dtype)

    def boxes():
        low = random(instances, 2) * torch.tensor([20.0, 12.0], dtype=dtype)
        return torch.cat([low, low + random(instances, 2) * 12], 1)

    return dict(
        prototypes=(random(frames, 3, *SIZE) * 4).requires_grad_(),
        coefficients=(random(instances, 3) * 4 - 2).requires_grad_(),
        frame=torch.randint(2, (instances,), generator=generator) * 2,
        bboxes=boxes(),
        gt_bboxes=boxes(),
        gt_masks=(random(4, *INPUT) > 0.4).to(torch.uint8),
        gt=torch.randint(4, (instances,), generator=generator),
        weights=random(instances),
    )


def interpolated(values, y, x, scales):
    """Bilinear, pixel centres at halves, the border repeated."""
    height, width = len(values), len(values[0])
    y, x = (max((v + 0.5) * s - 0.5, 0) for v, s in zip((y, x), scales, strict=True))
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    a, b = y - top, x - left
    upper = values[top][left] * (1 - b) + values[top][right] * b
    lower = values[bottom][left] * (1 - b) + values[bottom][right] * b
    return upper * (1 - a) + lower * a


def cost_by_hand(p, q, target):
    """Cross-entropy of a probability and its complement; logarithms end at -100."""
    cost = 0.0
    for value, part in ((p, target), (q, 1 - target)):
        cost -= part * max(math.log(value) if value > 0 else -100.0, -100.0)
    return cost


def instance_by_hand(
    maps, coefficients, box, mask, crop, enlarge, resolution, least_side, activation
):
    """The cost of one instance, pixel by pixel, in Python floats."""
    if activation == 'tanh':
        coefficients = [math.tanh(c) for c in coefficients]
    x1, y1, x2, y2 = box
    if crop == 'predicted':
        cx, cy, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        x1, x2 = (cx + sign * w / 2 * enlarge for sign in (-1, 1))
        y1, y2 = (cy + sign * h / 2 * enlarge for sign in (-1, 1))
        x1, x2 = (min(max(v, 1e-5 * INPUT[1]), INPUT[1]) for v in (x1, x2))
        y1, y2 = (min(max(v, 1e-5 * INPUT[0]), INPUT[0]) for v in (y1, y2))
    soft = [[0.0] * SIZE[1] for _ in range(SIZE[0])]
    inside = [[False] * SIZE[1] for _ in range(SIZE[0])]
    for y in range(SIZE[0]):
        for x in range(SIZE[1]):
            logit = sum(
                c * plane[y][x] for c, plane in zip(coefficients, maps, strict=True)
            )
            soft[y][x] = 1 / (1 + math.exp(-logit))
            inside[y][x] = (
                x1 * RATIOS[1] - 1 <= x < x2 * RATIOS[1] + 1
                and y1 * RATIOS[0] - 1 <= y < y2 * RATIOS[0] + 1
            )
    total = 0.0
    if resolution == 'prototype':
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                p = soft[y][x]
                target = float(
                    interpolated(mask, y, x, (1 / RATIOS[0], 1 / RATIOS[1])) > 0.5
                )
                total += inside[y][x] * cost_by_hand(p, 1 - p, target)
        scales = RATIOS
    else:
        cut = [
            [p * kept for p, kept in zip(*rows, strict=True)]
            for rows in zip(soft, inside, strict=True)
        ]
        for y in range(INPUT[0]):
            for x in range(INPUT[1]):
                p = interpolated(cut, y, x, RATIOS)
                total += cost_by_hand(p, 1 - p, mask[y][x])
        scales = 1.0, 1.0
    height = max((y2 - y1) * scales[0], least_side)
    width = max((x2 - x1) * scales[1], least_side)
    return total / (height * width)


def by_hand(case, crop='ground_truth', enlarge=1.0, resolution='prototype', **settings):
    total = 0.0
    for i, frame in enumerate(case['frame'].tolist()):
        boxes = case['bboxes' if crop == 'predicted' else 'gt_bboxes']
        total += case['weights'][i].item() * instance_by_hand(
            case['prototypes'][frame].tolist(),
            case['coefficients'][i].tolist(),
            boxes[i].tolist(),
            case['gt_masks'][case['gt'][i]].tolist(),
            crop,
            enlarge,
            resolution,
            settings.get('least_side', 1.0),
            settings.get('coefficient_activation', 'tanh'),
        )
    return total


@pytest.mark.parametrize('way', WAYS)
def test_is_the_sum_over_pixels(way):
    case = draw()
    loss = PrototypeMaskLoss(**WAYS[way], loss_weight=2.0)(**case)
    assert loss.item() == pytest.approx(2 * by_hand(case, **WAYS[way]), rel=1e-6)


@pytest.mark.parametrize('way', WAYS)
def test_memory_is_bounded_without_a_change(way, monkeypatch):
    case, loss = draw(instances=20), PrototypeMaskLoss(**WAYS[way])
    tensors = case['prototypes'], case['coefficients']
    whole = loss(**case)
    gradients = torch.autograd.grad(whole, tensors)
    most = []
    costs = loss._costs

    def watched(*args):
        most.append(len(args[1]))
        return costs(*args)

    monkeypatch.setattr(loss, '_costs', watched)
    monkeypatch.setattr(prototype_mask_loss, 'MAX_PIXELS', 3 * SIZE[0] * SIZE[1] + 1)
    parts = loss(**case)
    forward = len(most)
    torch.testing.assert_close(parts, whole)
    for one, other in zip(torch.autograd.grad(parts, tensors), gradients, strict=True):
        torch.testing.assert_close(one, other)
    assert max(most) <= 3
    # Nothing is held for the backward pass, which computes it again.
    assert len(most) == 2 * forward >= 2 * 20 / 3


@pytest.mark.parametrize('way', WAYS)
def test_gradients_are_those_of_differences(way):
    case, loss = draw(instances=3), PrototypeMaskLoss(**WAYS[way])
    tensors = case.pop('prototypes'), case.pop('coefficients')
    assert torch.autograd.gradcheck(
        lambda p, c: loss(p, c, **case), tensors, fast_mode=True
    )


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('objects', [0, 4])
def test_no_instance_is_zero_and_connected(way, objects):
    case = draw(instances=0)
    case['gt_masks'] = case['gt_masks'][:objects]
    with torch.no_grad():
        case['prototypes'][0, 0, 0, 0] = torch.inf
    loss = PrototypeMaskLoss(**WAYS[way])(**case)
    loss.backward()
    assert loss == 0
    for name in ('prototypes', 'coefficients'):
        assert torch.equal(case[name].grad, torch.zeros_like(case[name]))


@pytest.mark.parametrize('way', WAYS)
def test_boxes_without_area_and_outside_stay_finite(way):
    case = draw(instances=4)
    boxes = torch.tensor(
        [[5.0, 5, 5, 5], [-50, -50, -40, -40], [90, 90, 99, 99], [3, 3, 9, 3]]
    ).double()
    case.update(bboxes=boxes, gt_bboxes=boxes)
    loss = PrototypeMaskLoss(**WAYS[way])(**case)
    loss.backward()
    assert loss.isfinite()
    assert case['coefficients'].grad.isfinite().all()


def test_object_outside_of_the_predicted_box_costs_the_most():
    """One pixel of prototypes makes four of the input; a far object costs 100 each."""
    case = draw(instances=1, frames=1)
    case['frame'] = torch.zeros(1, dtype=torch.long)
    case['bboxes'] = torch.tensor([[0.0, 0.0, 4.0, 4.0]]).double()
    case['gt_masks'] = torch.zeros(1, *INPUT, dtype=torch.uint8)
    case['gt'] = torch.zeros(1, dtype=torch.long)
    loss = PrototypeMaskLoss(crop='predicted', resolution='input', loss_weight=1.0)
    before = loss(**case)
    case['gt_masks'][0, 12:, 20:] = 1
    difference = (loss(**case) - before) * 16 / case['weights'][0]
    assert difference.item() == pytest.approx(100 * 16, rel=1e-3)


def test_samples_stand_for_all_of_their_frame():
    case = draw(instances=12)
    everything = PrototypeMaskLoss()(**case).item()
    some = PrototypeMaskLoss(max_samples=2)
    torch.manual_seed(0)
    losses = torch.stack([some(**case).detach() for _ in range(400)])
    assert abs(losses.mean() - everything) < 4 * losses.std() / 20
    (gradient,) = torch.autograd.grad(some(**case), case['coefficients'])
    used = gradient.abs().sum(1) > 0
    assert [used[case['frame'] == n].sum().item() for n in (0, 2)] == [2, 2]


@pytest.mark.parametrize('way', WAYS)
def test_autocast_changes_nothing(way):
    case = {
        k: v.detach().float() if v.is_floating_point() else v for k, v in draw().items()
    }
    loss = PrototypeMaskLoss(**WAYS[way])
    expected = loss(**case)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(loss(**case), expected, rtol=1e-6, atol=0)
        case['prototypes'] = case['prototypes'].bfloat16()
        half = loss(**case)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, expected, rtol=0.02, atol=0)


@pytest.mark.parametrize('key', ['crop', 'resolution'])
def test_unknown_words_are_refused(key):
    with pytest.raises(ValueError, match=f"{key} must be .* but is 'frame'"):
        PrototypeMaskLoss(**{key: 'frame'})
