"""The mask loss against loops over instances and pixels, and what it leaves out."""

import math
from typing import NamedTuple

import pytest
import torch
from sub_region_reference import (
    BOXES,
    INPUT,
    SIZE,
    region,
    scalar_logit,
    sigmoid,
    vector_logit,
)
from torch import Tensor

from mmvis.models.sg_net.granularity_blender import ScalarBlender, VectorBlender
from mmvis.registry import MODELS

BLENDERS = {
    'scalar': (ScalarBlender(3, 10.0), scalar_logit),
    'vector': (VectorBlender(3, 10.0, num_base_masks=4), vector_logit),
}
COUNT, FRAMES, OBJECTS = len(BOXES), 3, 5


class Rows(NamedTuple):
    index: Tensor
    frame: Tensor


def make(**settings):
    return MODELS.build(dict(type='GranularityMaskLoss', **settings))


def draw(kind, instances=COUNT, size=SIZE, dtype=torch.float64):
    """Arguments of the loss; the middle frame has no instance."""
    generator = torch.Generator().manual_seed(0)
    blender, _ = BLENDERS[kind]

    def random(*shape):
        return torch.randn(shape, generator=generator, dtype=dtype)

    frame = torch.randint(2, (instances,), generator=generator) * 2
    order = torch.randperm(len(BOXES), generator=generator)
    return dict(
        blender=blender,
        base_masks=random(FRAMES, blender.num_base_masks, *size).requires_grad_(),
        scores=random(instances, blender.num_scores).requires_grad_(),
        frame=frame,
        bboxes=BOXES[:instances].to(dtype, copy=True),
        gt_bboxes=BOXES[order][:instances].to(dtype, copy=True),
        gt_masks=random(OBJECTS, *INPUT) > 0,
        gt=torch.randint(OBJECTS, (instances,), generator=generator),
    )


def covered(mask, y, x, size):
    """Share of a pixel of the base masks that the object covers."""
    down, right = INPUT[0] // size[0], INPUT[1] // size[1]
    cells = [row[x * right : (x + 1) * right] for row in mask[y * down :][:down]]
    return sum(map(sum, cells)) / (down * right)


def by_hand(case, logit, boxes='bboxes', only=None):
    """The mean over instances of the mean over their pixels."""
    blender, size = case['blender'], case['base_masks'].shape[-2:]
    base_masks, gt_masks = case['base_masks'].tolist(), case['gt_masks'].tolist()
    pixel = INPUT[1] / size[1], INPUT[0] / size[0]
    means = []
    for n, box in enumerate(case[boxes].tolist()):
        if only is not None and n not in only:
            continue
        # A box that may hold no pixel gives way to the annotated one.
        if not (box[2] - box[0] >= pixel[0] and box[3] - box[1] >= pixel[1]):
            box = case['gt_bboxes'][n].tolist()
        costs = []
        for y in range(size[0]):
            for x in range(size[1]):
                j = region(box, y, x, blender.max_division, blender.region_size, size)
                if j is None:
                    continue
                scores = case['scores'][n].tolist()
                value = logit(base_masks[case['frame'][n]], scores, y, x, j)
                target = covered(gt_masks[case['gt'][n]], y, x, size) > 0.5
                costs.append(-math.log(sigmoid(value if target else -value)))
        if costs:
            means.append(sum(costs) / len(costs))
    return sum(means) / len(means)


@pytest.mark.parametrize('size', [SIZE, (6, 10)])
@pytest.mark.parametrize('division', ['predicted', 'ground_truth'])
@pytest.mark.parametrize('kind', BLENDERS)
def test_is_the_mean_over_pixels_then_instances(kind, division, size):
    case = draw(kind, size=size)
    loss = make(division=division, loss_weight=2.0)(**case)
    boxes = 'bboxes' if division == 'predicted' else 'gt_bboxes'
    expected = 2 * by_hand(case, BLENDERS[kind][1], boxes)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize('kind', BLENDERS)
def test_gradients_are_those_of_differences(kind):
    case, loss = draw(kind, 4, (3, 5)), make()
    tensors = case.pop('base_masks'), case.pop('scores')
    case['bboxes'].requires_grad_()
    assert torch.autograd.gradcheck(
        lambda b, s: loss(base_masks=b, scores=s, **case), tensors, fast_mode=True
    )
    loss(base_masks=tensors[0], scores=tensors[1], **case).backward()
    assert case['bboxes'].grad is None


@pytest.mark.parametrize('kind', BLENDERS)
@pytest.mark.parametrize('objects', [0, 4])
def test_no_instance_is_zero_and_connected(kind, objects):
    case = draw(kind, 0)
    case['gt_masks'] = case['gt_masks'][:objects]
    with torch.no_grad():
        case['base_masks'][0, 0, 0, 0] = torch.inf
    assert_nothing(case)


@pytest.mark.parametrize('kind', BLENDERS)
def test_boxes_without_pixels_are_zero_and_connected(kind):
    case = draw(kind)
    # From the ninth on, reference boxes are outside, empty or not numbers.
    kept = torch.arange(9, len(BOXES))
    for name in ('scores', 'frame', 'bboxes', 'gt'):
        case[name] = case[name].detach()[kept]
    case['gt_bboxes'] = case['bboxes']
    case['scores'].requires_grad_()
    assert_nothing(case)


@pytest.mark.parametrize('kind', BLENDERS)
def test_boxes_that_have_not_grown_still_train_masks(kind):
    """Boxes of 2x2 px, as training begins with, on base masks of half the size."""
    case = draw(kind, 4, size=(INPUT[0] // 2, INPUT[1] // 2))
    corners = torch.tensor([[1.5, 1.5], [20.9, 10.1], [40.0, 30.0], [70.3, 3.7]])
    case['gt_bboxes'] = torch.cat([corners, corners + 15], 1).double()
    for length in (1.0, 1.9, 2.0):
        case['bboxes'] = torch.cat([corners, corners + length], 1).double()
        loss = make()(**case)
        (gradient,) = torch.autograd.grad(loss, case['scores'])
        assert gradient.any(1).all()
        expected = by_hand(case, BLENDERS[kind][1])
        assert loss.item() == pytest.approx(expected, rel=1e-12)


def assert_nothing(case):
    loss = make()(**case)
    loss.backward()
    assert loss == 0
    for name in ('base_masks', 'scores'):
        assert torch.equal(case[name].grad, torch.zeros_like(case[name]))


def test_samples_of_a_frame_are_drawn_alike():
    frame = torch.tensor([3, 0, 0, 3, 0, 0, 1])
    rows = Rows(torch.arange(7), frame)
    torch.manual_seed(0)
    counts = torch.zeros(7)
    for _ in range(1000):
        kept = make(max_samples=2).sample(rows)
        assert isinstance(kept, Rows)
        assert torch.equal(kept.frame, frame[kept.index])
        assert torch.equal(kept.index, kept.index.unique())
        assert kept.frame.bincount().tolist() == [2, 1, 0, 2]
        counts[kept.index] += 1
    assert counts[[0, 3, 6]].tolist() == [1000] * 3
    # Each with probability 1/2: 63 is four standard deviations.
    assert (counts[[1, 2, 4, 5]] - 500).abs().max() < 63
    for everything in (None, 4, 100):
        assert torch.equal(make(max_samples=everything).sample(rows).index, rows.index)
    nothing = Rows(rows.index[:0], frame[:0])
    assert len(make(max_samples=2).sample(nothing).index) == 0


@pytest.mark.parametrize('kind', BLENDERS)
def test_autocast_changes_nothing(kind):
    case = {
        k: v.detach().float() if torch.is_tensor(v) and v.is_floating_point() else v
        for k, v in draw(kind).items()
    }
    loss = make()
    expected = loss(**case)
    assert expected.dtype == torch.float32
    case['gt_masks'] = case['gt_masks'].to(torch.uint8)
    with torch.autocast('cpu', torch.bfloat16):
        assert loss(**case) == expected
        case['base_masks'] = case['base_masks'].bfloat16()
        half = loss(**case)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, expected, rtol=0.02, atol=0)


def test_an_unknown_division_is_refused():
    with pytest.raises(ValueError, match="'ground_truth', but is 'frame'"):
        make(division='frame')
