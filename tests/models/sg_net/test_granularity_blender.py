"""Both blenders against a loop over instances and pixels."""

import math

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

from mmvis.models.sg_net.granularity_blender import (
    GranularityBlender,
    ScalarBlender,
    VectorBlender,
)
from mmvis.registry import MODELS

BLENDERS = {
    'scalar': (ScalarBlender, {}, scalar_logit),
    'vector': (VectorBlender, dict(num_base_masks=5), vector_logit),
}

COUNT = len(BOXES)


def make(kind, max_division=3, region_size=10.0):
    blender, settings, logit = BLENDERS[kind]
    return blender(max_division, region_size, **settings), logit


def draw(blender, count=COUNT, frames=1, size=SIZE, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shape = frames, blender.num_base_masks, *size
    base_masks = torch.randn(shape, generator=generator, dtype=dtype)
    scores = torch.randn(count, blender.num_scores, generator=generator, dtype=dtype)
    frame = torch.randint(frames, (count,), generator=generator)
    return base_masks.requires_grad_(), scores.requires_grad_(), frame


def by_hand(blender, logit, base_masks, scores, frame, bboxes, size=SIZE):
    """Logits by instance and pixel of all pixels that are in boxes."""
    base_masks, scores, size = base_masks.tolist(), scores.tolist(), tuple(size)
    found = {}
    for n, box in enumerate(bboxes.tolist()):
        for y in range(size[0]):
            for x in range(size[1]):
                j = region(box, y, x, blender.max_division, blender.region_size, size)
                if j is not None:
                    found[n, y * size[1] + x] = logit(
                        base_masks[frame[n]], scores[n], y, x, j
                    )
    return found


def as_dict(pixels):
    keys = zip(pixels.instance.tolist(), pixels.pixel.tolist(), strict=True)
    found = dict(zip(keys, pixels.logits.tolist(), strict=True))
    assert len(found) == len(pixels.logits)
    return found


@pytest.mark.parametrize('size', [SIZE, (7, 16), (5, 19)])
@pytest.mark.parametrize('kind', BLENDERS)
def test_logits_are_those_of_the_loop(kind, size):
    blender, logit = make(kind)
    case = draw(blender, frames=2, size=size)
    pixels = blender.logits(*case, BOXES, INPUT)
    expected = by_hand(blender, logit, *case, BOXES, size)
    assert as_dict(pixels) == pytest.approx(expected, rel=1e-12)
    assert pixels.instance.equal(pixels.instance.sort().values)
    assert pixels.instance.dtype == pixels.pixel.dtype == torch.int64


@pytest.mark.parametrize('size', [SIZE, (5, 19)])
@pytest.mark.parametrize('kind', BLENDERS)
def test_masks_are_those_of_the_loop(kind, size):
    blender, logit = make(kind)
    base_masks, scores, frame = draw(blender, size=size)
    masks = blender(base_masks[0], scores, BOXES, INPUT)
    expected = torch.zeros(len(BOXES), *size, dtype=torch.float64)
    found = by_hand(blender, logit, base_masks, scores, frame, BOXES, size)
    for (n, pixel), value in found.items():
        expected[n].view(-1)[pixel] = sigmoid(value)
    torch.testing.assert_close(masks, expected, rtol=0, atol=1e-12)
    assert set(range(len(BOXES))) - {n for n, _ in found} == set(range(9, 18))


def test_one_sub_region_is_yolact():
    blender = VectorBlender(1, 50.0, num_base_masks=5)
    assert blender.num_scores == 5
    base_masks, scores, _ = draw(blender, 1)
    masks = blender(
        base_masks[0], scores, torch.tensor([[0.0, 0.0, 80.0, 48.0]]), INPUT
    )
    expected = torch.einsum('nk,khw->nhw', scores, base_masks[0]).sigmoid()
    torch.testing.assert_close(masks, expected)


def test_sub_regions_have_scores_of_their_own():
    """A box of 2 x 3 whose scores are the number of the sub-region."""
    blender = ScalarBlender(6, 20.0)
    scores = torch.arange(36.0)[None]
    box = torch.tensor([[0.0, 0.0, 40.0, 48.0]])
    masks = blender(torch.ones(36, *SIZE), scores, box, INPUT)[0].logit()
    rows = torch.arange(3.0).repeat_interleave(4)[:, None] * 2
    expected = rows + torch.arange(2.0).repeat_interleave(10)
    torch.testing.assert_close(masks[:, :20], expected, rtol=1e-4, atol=1e-4)
    # The rest of the frame is nobody's.
    assert masks[:, 20:].eq(-math.inf).all()


@pytest.mark.parametrize('kind', BLENDERS)
def test_order_and_overlap_of_instances_change_nothing(kind):
    blender, _ = make(kind)
    base_masks, scores, _ = draw(blender)
    masks = blender(base_masks[0], scores, BOXES, INPUT)
    order = torch.randperm(len(BOXES), generator=torch.Generator().manual_seed(0))
    permuted = blender(base_masks[0], scores[order], BOXES[order], INPUT)
    assert torch.equal(permuted, masks[order])
    for n in range(len(BOXES)):
        alone = blender(base_masks[0], scores[n : n + 1], BOXES[n : n + 1], INPUT)
        assert torch.equal(alone[0], masks[n])
    # Two with the same box differ by their scores alone.
    twice = blender(base_masks[0], scores[:2], BOXES[[0, 0]], INPUT)
    assert torch.equal(twice[0], masks[0])
    assert not torch.equal(twice[1], masks[0])


@pytest.mark.parametrize('kind', BLENDERS)
def test_gradients_are_those_of_differences(kind):
    blender, _ = make(kind, 2)
    base_masks, scores, frame = draw(blender, 3, frames=2, size=(3, 5))
    boxes = BOXES[:3].requires_grad_()
    assert torch.autograd.gradcheck(
        lambda b, s: blender.logits(b, s, frame, boxes, INPUT).logits,
        (base_masks, scores),
    )
    assert torch.autograd.gradcheck(
        lambda b, s: blender(b, s, boxes, INPUT), (base_masks[0], scores)
    )
    assert boxes.grad is None


@pytest.mark.parametrize('kind', BLENDERS)
def test_no_instance(kind):
    blender, _ = make(kind)
    base_masks, scores, frame = draw(blender, 0)
    masks = blender(base_masks[0], scores, BOXES[:0], INPUT)
    assert masks.shape == (0, *SIZE)
    pixels = blender.logits(base_masks, scores, frame, BOXES[:0], INPUT)
    assert [len(field) for field in pixels] == [0, 0, 0]
    (masks.sum() + pixels.logits.sum()).backward()
    for tensor in (base_masks, scores):
        assert torch.equal(tensor.grad, torch.zeros_like(tensor))


@pytest.mark.parametrize('kind', BLENDERS)
def test_what_is_not_a_number_stays_where_it_is(kind):
    blender, _ = make(kind)
    base_masks, scores, _ = draw(blender)
    expected = blender(base_masks[0], scores, BOXES, INPUT)
    with torch.no_grad():
        base_masks[0, :, 7, 16] = math.nan
        scores[5] = math.nan
    masks = blender(base_masks[0], scores, BOXES, INPUT)
    changed = torch.zeros_like(masks, dtype=torch.bool)
    changed[:, 7, 16] = True
    changed[5] = True
    changed &= expected > 0
    assert masks[changed].isnan().all()
    assert torch.equal(masks[~changed], expected[~changed])


@pytest.mark.parametrize('kind', BLENDERS)
def test_half_precision(kind):
    blender, _ = make(kind)
    base_masks, scores, _ = (t.detach() for t in draw(blender, dtype=torch.float32))
    expected = blender(base_masks[0], scores, BOXES.float(), INPUT)
    assert expected.dtype == torch.float32
    with torch.autocast('cpu', torch.bfloat16):
        masks = blender(base_masks[0], scores, BOXES.float(), INPUT)
        assert torch.equal(masks, expected)
    for dtype in (torch.float32, torch.bfloat16):
        masks = blender(
            base_masks[0].bfloat16(), scores.to(dtype), BOXES.float(), INPUT
        )
        assert masks.dtype == torch.float32
        torch.testing.assert_close(masks, expected, atol=0.02, rtol=0)


def test_names_and_sizes():
    scalar = MODELS.build(dict(type='ScalarBlender', max_division=8))
    assert (scalar.num_scores, scalar.num_base_masks) == (64, 64)
    vector = MODELS.build(dict(type='VectorBlender', num_base_masks=16))
    assert (vector.num_scores, vector.num_base_masks) == (576, 16)
    assert isinstance(vector, GranularityBlender)
    assert not list(vector.parameters())


@pytest.mark.parametrize('kind', BLENDERS)
def test_wrong_sizes_are_refused(kind):
    blender, _ = make(kind)
    base_masks, scores, _ = draw(blender)
    for wrong in ((base_masks[0, 1:], scores), (base_masks[0], scores[:, 1:])):
        with pytest.raises(ValueError, match=r'Blender takes \d+ base masks and \d+'):
            blender(*wrong, BOXES, INPUT)
    with pytest.raises(ValueError, match='at least 1 and region_size above 0, but'):
        make(kind, 0)
    with pytest.raises(ValueError, match=r'they are 3, \d+ and 0'):
        make(kind, 3, 0)
