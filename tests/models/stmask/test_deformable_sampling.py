"""Deformable convolutions against mmcv's on a CPU, and against a plain loop."""

import math

import pytest
import torch
from mmcv.ops import deform_conv2d, modulated_deform_conv2d
from torch.nn.functional import conv2d

from mmvis.models.stmask import deformable_sampling
from mmvis.models.stmask.deformable_sampling import deformable_convolution

DEFAULTS = dict(
    batch=2, channels=(5, 4), size=(6, 7), kernel=(3, 3), stride=(1, 1), padding=(1, 1)
)
CASES = [
    dict(),
    dict(kernel=(3, 5), padding=(1, 2)),
    dict(kernel=(5, 3), padding=(2, 1), channels=(4, 9)),
    dict(stride=(2, 2)),
    dict(stride=(2, 1), padding=(0, 2), channels=(8, 1)),
    dict(dilation=(2, 2), padding=(2, 2)),
    dict(dilation=(1, 2), padding=(1, 3), kernel=(2, 3)),
    dict(kernel=(1, 1), padding=(0, 0), batch=1),
    dict(kernel=(4, 2), padding=(2, 1), batch=1),
    dict(size=(1, 1), padding=(2, 2)),
    dict(size=(2, 9), padding=(1, 0)),
]


def draw(case, spread=2.0, dtype=torch.float64):
    """Features, offsets, weight, bias and modulation of a case, and its options."""
    case = DEFAULTS | dict(dilation=(1, 1)) | case
    options = {name: case[name] for name in ('stride', 'padding', 'dilation')}
    channels, outputs = case['channels']
    places = [
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(
            case['size'], case['kernel'], *options.values(), strict=True
        )
    ]
    taps, generator = math.prod(case['kernel']), torch.Generator().manual_seed(0)
    shapes = [
        (case['batch'], channels, *case['size']),
        (case['batch'], 2 * taps, *places),
        (outputs, channels, *case['kernel']),
        (outputs,),
        (case['batch'], taps, *places),
    ]
    tensors = [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]
    tensors[1] *= spread
    return [tensor.requires_grad_() for tensor in tensors], options


def by_mmcv(features, offsets, weight, bias, modulation, stride, padding, dilation):
    return modulated_deform_conv2d(
        features, offsets, modulation, weight, bias, stride, padding, dilation, 1, 1
    )


def assert_equal(ours, expected, tensors, tolerance=1e-11):
    """The values and the gradients of all tensors, for random ones of the output."""
    close = dict(atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(ours, expected, **close)
    factor = torch.randn(expected.shape, dtype=expected.dtype)
    found = torch.autograd.grad(ours, tensors, factor)
    wanted = torch.autograd.grad(expected, tensors, factor)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, **close)


@pytest.mark.parametrize('part_bytes', [1, 2**20])
@pytest.mark.parametrize('case', CASES, ids=str)
def test_modulated_is_mmcvs(case, part_bytes, monkeypatch):
    monkeypatch.setattr(deformable_sampling, 'PART_BYTES', part_bytes)
    tensors, options = draw(case)
    ours = deformable_convolution(*tensors, **options)
    assert_equal(ours, by_mmcv(*tensors, **options), tensors)


@pytest.mark.parametrize('case', CASES, ids=str)
def test_plain_is_mmcvs(case):
    (*tensors, _, _), options = draw(case)
    if min(case.get('size', (3,))) < 3:
        pytest.skip("mmcv's op takes no map that is smaller than its kernel")
    ours = deformable_convolution(*tensors, **options)
    assert_equal(ours, deform_conv2d(*tensors, *options.values()), tensors)


@pytest.mark.parametrize('order', ['_sample_and_project', '_project_and_sample'])
@pytest.mark.parametrize('case', CASES[:4], ids=str)
def test_both_orders(case, order, monkeypatch):
    monkeypatch.setattr(
        deformable_sampling, '_sample_and_project', getattr(deformable_sampling, order)
    )
    monkeypatch.setattr(
        deformable_sampling, '_project_and_sample', getattr(deformable_sampling, order)
    )
    tensors, options = draw(case)
    ours = deformable_convolution(*tensors, **options)
    assert_equal(ours, by_mmcv(*tensors, **options), tensors)


@pytest.mark.parametrize('spread', [0.0, 1.0, 3.0])
@pytest.mark.parametrize('case', CASES[:6], ids=str)
def test_whole_offsets_have_mmcvs_slopes(case, spread):
    # A sample on a cell has two slopes, one on the border of zeros one or none.
    tensors, options = draw(case)
    tensors[1] = (tensors[1].detach() * spread).round().requires_grad_()
    ours = deformable_convolution(*tensors, **options)
    assert_equal(ours, by_mmcv(*tensors, **options), tensors)


@pytest.mark.parametrize('far', [20.0, 1e4, 1e9])
def test_far_samples_are_zero(far):
    tensors, options = draw({})
    with torch.no_grad():
        tensors[1][:, 4] = far
        tensors[1][:, 7] = -far
        tensors[1][0, 10:12] = far
    ours = deformable_convolution(*tensors, **options)
    assert_equal(ours, by_mmcv(*tensors, **options), tensors)


@pytest.mark.parametrize('value', [torch.nan, torch.inf, -torch.inf, 1e300])
@pytest.mark.parametrize('place', [(0, 0), (3, 3), (5, 6)])
def test_wild_offsets_read_nothing(value, place):
    tensors, options = draw({})
    for without in (False, True):
        with torch.no_grad():
            tensors[1][(0, slice(6, 8), *place)] = value
            # Nor do features that are not a number get in through a share of zero.
            tensors[0][1] = torch.nan
            if without:
                tensors[4][(0, 3, *place)] = 0
                tensors[1][(0, slice(6, 8), *place)] = 0.3
        out = deformable_convolution(*tensors, **options)[0]
        grads = torch.autograd.grad(out.sum(), tensors)
        assert out.isfinite().all()
        assert grads[0][0].isfinite().all()
        assert grads[1][0].isfinite().all()
        if not without:
            first, slopes = out.detach(), grads[1][(0, slice(6, 8), *place)]
    assert not slopes.any()
    torch.testing.assert_close(out, first)


def test_is_what_a_loop_over_single_samples_gives():
    tensors, options = draw(
        dict(batch=1, channels=(2, 2), size=(3, 4), kernel=(2, 3), stride=(2, 1))
    )
    features, offsets, weight, bias, modulation = (t.detach() for t in tensors)
    ours = deformable_convolution(*tensors, **options).detach()

    def read(y, x):
        total = torch.zeros(2, dtype=torch.float64)
        for row in range(3):
            for column in range(4):
                share = max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column))
                total += share * features[0, :, row, column]
        return total

    expected = bias[:, None, None].expand_as(ours[0]).clone()
    for i, j in torch.cartesian_prod(*(torch.arange(s) for s in ours.shape[2:])):
        for tap in range(6):
            k, m = divmod(tap, 3)
            y, x = offsets[0, 2 * tap : 2 * tap + 2, i, j].tolist()
            sample = read(2 * i.item() - 1 + k + y, j.item() - 1 + m + x)
            sample = sample * modulation[0, tap, i, j]
            expected[:, i, j] += weight[:, :, k, m] @ sample
    torch.testing.assert_close(ours[0], expected)


@pytest.mark.parametrize('outputs', [1, 3])
def test_gradients_are_slopes(outputs):
    case = dict(channels=(2, outputs), size=(3, 4), kernel=(2, 2), batch=1)
    tensors, options = draw(case)
    assert torch.autograd.gradcheck(
        lambda *tensors: deformable_convolution(*tensors, **options), tensors
    )


def test_without_offsets_it_is_a_convolution():
    (features, offsets, weight, bias, _), options = draw(dict(stride=(2, 2)), spread=0)
    found = deformable_convolution(features, offsets, weight, bias, None, 2, 1)
    torch.testing.assert_close(found, conv2d(features, weight, bias, **options))


def test_dtypes():
    tensors, options = draw({}, dtype=torch.float32)
    expected = deformable_convolution(*tensors, **options)
    with torch.autocast('cpu', torch.bfloat16):
        found = deformable_convolution(*tensors, **options)
    assert torch.equal(found, expected)
    halves = [tensor.bfloat16() for tensor in tensors]
    found = deformable_convolution(*halves, **options)
    expected = deformable_convolution(*(half.float() for half in halves), **options)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_no_images():
    tensors, options = draw(dict(batch=0))
    out = deformable_convolution(*tensors, **options)
    assert out.shape == (0, 4, 6, 7)
    assert all(not g.any() for g in torch.autograd.grad(out.sum(), tensors[:3]))
