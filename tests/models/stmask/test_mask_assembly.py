"""Mask assembly and cropping against loops over pixels and released numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvis.models.stmask.mask_assembly import assemble_masks, crop_masks

UNIT = Path(__file__).parents[2] / 'fixtures/stmask/unit'
SIZE = (6, 9)
INPUT = (48, 90)
NAN = math.nan
BOXES = torch.tensor(
    [
        [12.0, 9.0, 47.0, 30.0],
        # Corners swapped; outside on the left, and below; larger than the input.
        [47.0, 30.0, 12.0, 9.0],
        [-60.0, 10.0, -30.0, 20.0],
        [10.0, 70.0, 20.0, 80.0],
        [-20.0, -20.0, 200.0, 200.0],
        # No area; sides on the borders of mask pixels; not a number.
        [50.0, 20.0, 50.0, 20.0],
        [20.0, 8.0, 40.0, 24.0],
        [NAN, 0.0, 90.0, 48.0],
    ]
)


def kept_pixels(box, size, input_shape):
    """Yolact's rule, pixel by pixel."""
    x1, x2 = (v / input_shape[1] * size[1] for v in (box[0], box[2]))
    y1, y2 = (v / input_shape[0] * size[0] for v in (box[1], box[3]))
    if any(math.isnan(v) for v in (x1, x2, y1, y2)):
        return set()
    left, right = max(min(x1, x2) - 1, 0), min(max(x1, x2) + 1, size[1])
    top, bottom = max(min(y1, y2) - 1, 0), min(max(y1, y2) + 1, size[0])
    return {
        (y, x)
        for y in range(size[0])
        for x in range(size[1])
        if left <= x < right and top <= y < bottom
    }


def draw(count=8, prototypes=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(prototypes, *SIZE, generator=generator, dtype=dtype),
        torch.randn(count, prototypes, generator=generator, dtype=dtype) * 2,
    )


@pytest.mark.parametrize('dtype', [torch.float64, torch.bfloat16])
def test_crops_by_the_rule(dtype):
    masks = torch.full((len(BOXES), *SIZE), 0.5, dtype=dtype)
    cropped = crop_masks(masks, BOXES.double(), INPUT)
    assert cropped.dtype == dtype
    for mask, box in zip(cropped, BOXES.tolist(), strict=True):
        expected = torch.zeros(SIZE, dtype=dtype)
        for y, x in kept_pixels(box, SIZE, INPUT):
            expected[y, x] = 0.5
        assert torch.equal(mask, expected)


@pytest.mark.parametrize('activation', ['tanh', None])
def test_is_the_weighted_sum_of_prototypes(activation):
    prototypes, coefficients = draw()
    masks = assemble_masks(prototypes, coefficients, BOXES, INPUT, activation)
    for n, box in enumerate(BOXES.tolist()):
        kept = kept_pixels(box, SIZE, INPUT)
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                weights = coefficients[n].tolist()
                if activation:
                    weights = map(math.tanh, weights)
                pairs = zip(weights, prototypes[:, y, x].tolist(), strict=True)
                value = 1 / (1 + math.exp(-sum(w * p for w, p in pairs)))
                value = value if (y, x) in kept else 0.0
                assert masks[n, y, x].item() == pytest.approx(value, abs=1e-12)


def test_gives_the_numbers_of_the_release():
    with np.load(UNIT / 'masks.npz') as file:
        numbers = {key: torch.from_numpy(file[key]) for key in file.files}
    prototypes = numbers['proto'].permute(2, 0, 1)
    boxes = numbers['boxes'] * torch.tensor([320.0, 192.0, 320.0, 192.0])
    for key, cut in (('cropped', boxes), ('uncropped', None)):
        masks = assemble_masks(prototypes, numbers['coeff'], cut, (192, 320))
        expected = numbers[f'generate_mask_{key}']
        torch.testing.assert_close(masks, expected, atol=5e-5, rtol=1e-4)


def test_masks_are_cropped_as_by_the_function():
    prototypes, coefficients = draw()
    whole = assemble_masks(prototypes, coefficients, None, INPUT)
    masks = assemble_masks(prototypes, coefficients, BOXES, INPUT)
    assert torch.equal(masks, crop_masks(whole, BOXES, INPUT))


def test_gradients_are_those_of_the_plain_formula():
    prototypes, coefficients = (t.requires_grad_() for t in draw())
    factor = torch.arange(8 * 6 * 9).sin().view(8, *SIZE)
    masks = assemble_masks(prototypes, coefficients, BOXES, INPUT)
    found = torch.autograd.grad((masks * factor).sum(), (prototypes, coefficients))
    plain = torch.einsum('nk,khw->nhw', coefficients.tanh(), prototypes).sigmoid()
    cropped = crop_masks(plain, BOXES, INPUT)
    expected = torch.autograd.grad((cropped * factor).sum(), (prototypes, coefficients))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('count', [0, 3])
def test_gradients_reach_prototypes_and_coefficients_only(count):
    prototypes, coefficients = draw(count)
    boxes = BOXES[:count].double().requires_grad_()
    prototypes.requires_grad_()
    coefficients.requires_grad_()
    masks = assemble_masks(prototypes, coefficients, boxes, INPUT)
    assert masks.shape == (count, *SIZE)
    masks.sum().backward()
    assert boxes.grad is None
    for tensor in (prototypes, coefficients):
        assert tensor.grad.isfinite().all()
        assert tensor.grad.any() == (count > 0)


def test_prototypes_of_half_precision():
    prototypes, coefficients = draw(dtype=torch.float32)
    expected = assemble_masks(prototypes, coefficients, BOXES, INPUT)
    masks = assemble_masks(prototypes.bfloat16(), coefficients, BOXES, INPUT)
    assert masks.dtype == torch.float32
    torch.testing.assert_close(masks, expected, atol=0.02, rtol=0)
    with torch.autocast('cpu', torch.bfloat16):
        masks = assemble_masks(prototypes, coefficients, BOXES, INPUT)
    torch.testing.assert_close(masks.float(), expected, atol=0.02, rtol=0)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="'tanh' or None, not 'relu'"):
        assemble_masks(*draw(), BOXES, INPUT, 'relu')
