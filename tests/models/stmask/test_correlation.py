"""Correlation against one place at a time, the released numbers, and mmcv's op."""

import sys

import pytest
import torch
from fixtures.stmask_fixtures import load
from torch.nn.functional import leaky_relu

from mmvis.models.stmask import correlation
from mmvis.models.stmask.correlation import TiledCorrelation, local_correlation

# Batch, channels, height, width, patch: one cell, a patch wider than the map, tiles
# that fit exactly, tiles that do not, one row, one column, a patch of one.
SHAPES = [
    (1, 2, 1, 1, 5),
    (2, 3, 5, 7, 11),
    (1, 2, 16, 8, 3),
    (2, 2, 9, 17, 5),
    (1, 3, 1, 20, 3),
    (1, 3, 19, 1, 7),
    (2, 2, 4, 9, 1),
]


def one_by_one(first, second, patch_size):
    """The definition, a pair of places at a time; differentiable."""
    batch, _, height, width = first.shape
    radius = patch_size // 2
    values = []
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            for y in range(height):
                for x in range(width):
                    if 0 <= y + down < height and 0 <= x + right < width:
                        other = second[:, :, y + down, x + right]
                        values.append((first[:, :, y, x] * other).sum(1))
                    else:
                        values.append(first.new_zeros(batch))
    shape = (batch, patch_size, patch_size, height, width)
    return torch.stack(values, 1).reshape(shape)


def make_maps(*shape, dtype=torch.float64):
    random = torch.Generator().manual_seed(0)
    maps = [torch.randn(shape, generator=random, dtype=torch.float64) for _ in 'ab']
    return [m.to(dtype).requires_grad_() for m in maps]


def with_gradients(function, first, second, patch_size):
    out = function(first, second, patch_size)
    weights = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).reshape(out.shape)
    # The values too: an output that is not connected would give no gradients.
    return out, *torch.autograd.grad((out * weights).sum(), (first, second))


@pytest.mark.parametrize('shape', SHAPES)
def test_equals_the_definition(shape):
    maps = make_maps(*shape[:-1])
    results = with_gradients(local_correlation, *maps, shape[-1])
    for result, expected in zip(
        results, with_gradients(one_by_one, *maps, shape[-1]), strict=True
    ):
        torch.testing.assert_close(result, expected)


def test_gradients_equal_differences():
    maps = make_maps(1, 2, 3, 9)
    assert torch.autograd.gradcheck(lambda a, b: local_correlation(a, b, 3), maps)


def test_equals_the_release():
    arrays = load('unit/correlate_roi')
    names = ('f1', 'f2', 'corr_leaky')
    first, second, expected = (torch.from_numpy(arrays[name]) for name in names)
    result = local_correlation(first, second, 11).flatten(1, 2) / first.shape[1]
    torch.testing.assert_close(leaky_relu(result, 0.1), expected, atol=5e-5, rtol=1e-4)


def test_a_moved_picture_is_found_where_it_went():
    first, _ = make_maps(1, 64, 12, 20)
    moved = first.roll((2, -3), (2, 3))
    best = local_correlation(first, moved, 11)[0, :, :, 3:-3, 4:-4].flatten(0, 1)
    assert (best.argmax(0) == (5 + 2) * 11 + (5 - 3)).all()


def test_a_batch_in_parts_is_the_same(monkeypatch):
    maps = make_maps(5, 3, 6, 10)
    whole = with_gradients(local_correlation, *maps, 5)
    monkeypatch.setattr(correlation, 'WINDOW_BYTES', 2 * 16 * 3 * 14 * 10 * 8)
    parts = with_gradients(local_correlation, *maps, 5)
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_no_frames_give_no_correlation():
    first, second = make_maps(0, 3, 6, 10)
    out, *gradients = with_gradients(local_correlation, first, second, 5)
    assert out.shape == (0, 5, 5, 6, 10)
    assert all(g.shape == first.shape for g in gradients)


def test_layout_in_memory_does_not_matter():
    maps = make_maps(2, 3, 9, 10)
    expected = with_gradients(local_correlation, *maps, 5)
    last = [m.to(memory_format=torch.channels_last) for m in maps]
    for result, plain in zip(
        with_gradients(local_correlation, *last, 5), expected, strict=True
    ):
        torch.testing.assert_close(result, plain)


def test_only_the_gradient_that_is_asked_for():
    first, second = make_maps(1, 2, 4, 4)
    expected = with_gradients(local_correlation, first, second, 3)
    weights = torch.linspace(-1, 2, expected[0].numel(), dtype=torch.float64)
    for which, frozen in ((1, (first, second.detach())), (2, (first.detach(), second))):
        out = local_correlation(*frozen, 3)
        asked = (first, second)[which - 1]
        (gradient,) = torch.autograd.grad((out.flatten() * weights).sum(), asked)
        torch.testing.assert_close(gradient, expected[which])


@pytest.mark.parametrize(
    'dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
def test_sums_are_not_taken_in_low_precision(dtype):
    maps = make_maps(1, 256, 4, 5, dtype=dtype)
    out = local_correlation(*maps, 3)
    expected = one_by_one(*(m.double() for m in maps), 3)
    assert out.dtype == dtype
    # One rounding of the result, not one after each of 256 products: sums in half
    # precision would be wrong by parts in a thousand of what is summed.
    summed = torch.promote_types(dtype, torch.float32)
    magnitudes = one_by_one(*(m.double().abs() for m in maps), 3)
    error = (out.double() - expected).abs()
    bound = torch.finfo(dtype).eps * expected.abs()
    assert (error <= bound + 4 * torch.finfo(summed).eps * magnitudes).all()
    gradients = torch.autograd.grad(out.sum(), maps)
    assert all(g.dtype == dtype and g.isfinite().all() for g in gradients)


def test_autocast_keeps_sums_that_float16_could_not():
    first, second = (60 * m.detach() for m in make_maps(1, 64, 4, 5))
    half = [m.half().requires_grad_() for m in (first.abs(), second.abs())]
    with torch.autocast('cpu', torch.bfloat16):
        out = local_correlation(*half, 3)
        # The backward pass is sometimes called in autocast as well.
        gradients = torch.autograd.grad(out.sum(), half)
    assert out.dtype == torch.float32
    expected = with_gradients(local_correlation, *(m.float() for m in half), 3)
    assert torch.equal(out, expected[0])
    assert out.max() > torch.finfo(torch.float16).max
    assert all(g.dtype == torch.float16 and g.isfinite().all() for g in gradients)


def test_what_cannot_be_correlated_is_said():
    first, second = make_maps(1, 2, 4, 5)
    with pytest.raises(ValueError, match='odd'):
        local_correlation(first, second, 4)
    with pytest.raises(ValueError, match='equal shape'):
        local_correlation(first, second[:, :1], 3)


def test_the_op_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmcv.ops', None)
    assert correlation.mmcv_correlation.__wrapped__() is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('shape', SHAPES)
def test_equals_mmcv_on_a_gpu(shape):
    op = correlation.mmcv_correlation()
    if op is None:
        pytest.skip('mmcv was built without CUDA')
    maps = [
        m.detach().cuda().requires_grad_()
        for m in make_maps(*shape[:-1], dtype=torch.float32)
    ]
    for function in (op, local_correlation, TiledCorrelation.apply):
        out = function(*maps, shape[-1])
        gradients = torch.autograd.grad(out.square().sum(), maps)
        plain = one_by_one(*maps, shape[-1])
        expected = torch.autograd.grad(plain.square().sum(), maps)
        for result, value in zip((out, *gradients), (plain, *expected), strict=True):
            torch.testing.assert_close(result, value, atol=1e-3, rtol=1e-3)
