"""Calibrated convolutions against boxes, grid_sample, RoIAlign and released numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.ops import roi_align
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch.nn.functional import conv2d, grid_sample, relu

from mmvis.models.layers.feature_calibration import (
    AlignedOffset,
    SameDeformConv2d,
    aligned_offsets,
)
from mmvis.models.task_modules.kernel_anchor_generator import KernelAnchorGenerator
from mmvis.registry import MODELS

FIXTURES = Path(__file__).parents[2] / 'fixtures/stmask'
STDS = (0.1, 0.1, 0.2, 0.2)
# Kernel and anchor in cells: footprints, FCB without FCA, several scales, even kernels.
SHAPES = [
    ((3, 3), (3, 3)),
    ((3, 5), (3, 5)),
    ((5, 3), (5, 3)),
    ((3, 3), (3 * 0.5**0.5, 3 / 0.5**0.5)),
    ((3, 3), (3 * 2**0.5, 3 / 2**0.5)),
    ((3, 5), (3 * 2 ** (1 / 3), 5 * 2 ** (1 / 3))),
    ((3, 2), (3, 2)),
    ((2, 3), (2, 3)),
    ((4, 2), (3, 5)),
]
KERNELS = [(3, 3), (3, 5), (5, 3), (3, 2), (2, 3)]
LAYERS = ['CalibratedConvolution', 'CalibratedFeatureConvolution']
OFFSETS = ['AdaptiveOffset', 'AlignedOffset']


def load(name):
    with np.load(FIXTURES / f'{name}.npz') as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def build(layer, kernel, offset='AdaptiveOffset', cells=None, channels=(4, 3)):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type=layer,
            in_channels=channels[0],
            out_channels=channels[1],
            kernel_size=kernel,
            anchor_cells=cells or kernel,
            offset=dict(type=offset),
            stds=STDS,
        )
    )


def draw(*shape, scale=1.0, dtype=torch.float64, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float64) * scale).to(
        dtype
    )


def places(kernel, height, width):
    """Where the taps of each place read without offsets: (kh, kw, H, W), y and x."""
    kh, kw = kernel
    y = torch.arange(height)[None, None, :, None].double()
    x = torch.arange(width)[None, None, None, :].double()
    y = y + torch.arange(kh)[:, None, None, None] - (kh - 1) // 2
    x = x + torch.arange(kw)[None, :, None, None] - (kw - 1) // 2
    return torch.broadcast_tensors(y, x)


def points(offsets, kernel):
    """Where the taps of each place read: (kh, kw, H, W, 2), y and x, one image."""
    kh, kw = kernel
    height, width = offsets.shape[-2:]
    shifts = offsets[0].view(kh, kw, 2, height, width).unbind(2)
    base = places(kernel, height, width)
    return torch.stack([b + s for b, s in zip(base, shifts, strict=True)], -1)


def bin_centres(boxes, kernel):
    """Centres of the kernel's bins of boxes (H, W, 4) in cells, as :func:`points`."""
    kh, kw = kernel
    x1, y1, x2, y2 = boxes.double().unbind(-1)
    down = ((torch.arange(kh).double() + 0.5) / kh)[:, None, None, None]
    right = ((torch.arange(kw).double() + 0.5) / kw)[None, :, None, None]
    # The centre of cell 0 is half a cell from the border of the map.
    y = y1 + (y2 - y1) * down - 0.5
    x = x1 + (x2 - x1) * right - 0.5
    return torch.stack(torch.broadcast_tensors(y, x), -1)


def regressed_boxes(deltas, kernel, cells, size):
    """mmdet's decoding of raw regressions (1, 4, H, W) in cells: (H, W, 4)."""
    ratio = (cells[0] / cells[1],)
    generator = KernelAnchorGenerator([kernel], ratio, base_cells=np.prod(cells) ** 0.5)
    anchors = generator.grid_anchors([size], size, dtype=torch.float64)
    coder = DeltaXYWHBBoxCoder(target_stds=STDS, wh_ratio_clip=1e-6)
    flat = deltas[0].double().permute(1, 2, 0).reshape(-1, 4)
    return coder.decode(anchors, flat).view(*size, 4)


def sampled_by_grid_sample(features, offsets, kernel):
    """Features at the points of each tap: (B, C, kh, kw, H, W)."""
    height, width = features.shape[-2:]
    size = torch.tensor([height, width], dtype=features.dtype)
    images = []
    for image, offset in zip(features, offsets, strict=True):
        where = points(offset[None], kernel).to(features.dtype)
        # Cell centres to [-1, 1], for maps of one cell too: from the map's borders.
        grid = ((where + 0.5) / size * 2 - 1).flip(-1)
        count = kernel[0] * kernel[1]
        flat = grid.reshape(1, count * height, width, 2)
        read = grid_sample(image[None], flat, align_corners=False)
        images.append(read.view(-1, *kernel, height, width))
    return torch.stack(images)


def convolved_by_grid_sample(features, offsets, weight):
    sampled = sampled_by_grid_sample(features, offsets, tuple(weight.shape[-2:]))
    return torch.einsum('bcklhw,ockl->bohw', sampled, weight)


@pytest.mark.parametrize('kernel, cells', SHAPES)
@pytest.mark.parametrize(
    'dtype, tolerance', [(torch.float64, 1e-9), (torch.float32, 1e-4 / 8)]
)
def test_aligned_taps_are_bin_centres_of_the_box(kernel, cells, dtype, tolerance):
    # In float32: 1e-4 pixels of P3, the level with the most cells.
    size = (48, 80)
    deltas = draw(1, 4, *size, scale=2.0, dtype=dtype)
    layer = AlignedOffset(kernel, cells, STDS)
    if dtype == torch.float64:
        # The layer keeps its factors in float32, as 0.1 is not.
        exact = deltas * torch.tensor(STDS, dtype=dtype).view(1, 4, 1, 1)
        offsets = aligned_offsets(exact, kernel, cells)
    else:
        offsets = layer(deltas)
    assert offsets.dtype == dtype
    expected = bin_centres(regressed_boxes(deltas, kernel, cells, size), kernel)
    torch.testing.assert_close(
        points(offsets, kernel), expected, atol=tolerance, rtol=0
    )


@pytest.mark.parametrize('kernel', [(3, 3), (3, 5), (5, 3)])
def test_aligned_offsets_are_those_of_the_paper(kernel):
    # Eqs. 6-8, tap by tap.
    d = draw(2, 4, 3, 4)
    kh, kw = kernel
    expected = []
    for r in range(-(kh // 2), kh // 2 + 1):
        for c in range(-(kw // 2), kw // 2 + 1):
            expected.append(kh * d[:, 1] + (d[:, 3].exp() - 1) * r)
            expected.append(kw * d[:, 0] + (d[:, 2].exp() - 1) * c)
    offsets = aligned_offsets(d, kernel, kernel)
    torch.testing.assert_close(offsets, torch.stack(expected, 1), atol=1e-12, rtol=0)


@pytest.mark.parametrize('kernel, cells', SHAPES)
def test_aligned_features_are_roi_align_of_one_sample_a_bin(kernel, cells):
    features = load('raw_r50_ada_frame0')['fpn_P4_ch_step16'][None, :6].double()
    channels, size = features.shape[1], tuple(features.shape[-2:])
    deltas = draw(1, 4, *size, scale=1.5)
    boxes = regressed_boxes(deltas, kernel, cells, size).view(-1, 4)
    rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
    expected = roi_align(features, rois, kernel, 1.0, 1, 'avg', True)

    # One output channel for each channel and tap.
    layer = SameDeformConv2d(channels, channels * kernel[0] * kernel[1], kernel)
    one_hot = torch.eye(layer.out_channels, dtype=torch.float64)
    layer.double().weight.data = one_hot.view(-1, channels, *kernel)
    exact = deltas * torch.tensor(STDS).double().view(1, 4, 1, 1)
    offsets = aligned_offsets(exact, kernel, cells)
    sampled = layer(features, offsets)[0].flatten(1).T.view(-1, channels, *kernel)

    # At the border RoIAlign repeats the outermost cells, where a convolution has zeros.
    last = torch.tensor(size).double() - 1
    where = points(offsets, kernel)
    inside = ((where >= 0) & (where <= last)).all(-1).flatten(2).permute(2, 0, 1)
    assert inside.double().mean() > 0.5
    inside = inside[:, None].expand_as(expected)
    torch.testing.assert_close(sampled[inside], expected[inside])


@pytest.mark.parametrize('kernel', [(3, 3), (3, 5), (5, 3)])
@pytest.mark.parametrize('kind', ['ada', 'ali'])
def test_gives_the_numbers_of_the_release(kind, kernel):
    prefix = 'k{}x{}_'.format(*kernel)
    numbers = {
        key.removeprefix(prefix): value
        for key, value in load(f'unit/feature_align_{kind}').items()
        if key.startswith(prefix)
    }
    offset = dict(ada='AdaptiveOffset', ali='AlignedOffset')[kind]
    layer = build('CalibratedFeatureConvolution', kernel, offset, channels=(8, 6))
    names = {
        'w_conv_offset_weight': 'offset.conv.weight',
        'w_conv_adaption_weight': 'adaption.weight',
        'w_conv_weight': 'conv.weight',
        'w_conv_bias': 'conv.bias',
    }
    layer.load_state_dict({n: numbers[k] for k, n in names.items() if k in numbers})
    offsets = layer.offset(numbers['loc'])
    sampled = layer.adaption(numbers['x'], offsets)
    predictions = layer(numbers['x'], numbers['loc'])
    close = dict(atol=5e-5, rtol=1e-4)
    torch.testing.assert_close(offsets, numbers['offset'], **close)
    torch.testing.assert_close(sampled, numbers['adaption_pre_relu'], **close)
    torch.testing.assert_close(predictions, numbers['out'], **close)


@pytest.mark.parametrize('offset', OFFSETS)
@pytest.mark.parametrize('kernel', KERNELS)
@pytest.mark.parametrize('size', [(6, 7), (3, 5), (2, 3), (2, 1), (1, 1)])
def test_samples_as_grid_sample_does(size, kernel, offset):
    # The last sizes are smaller than the kernel: P7 has two or three rows.
    features, deltas = draw(2, 4, *size), draw(2, 4, *size, seed=2)
    cells = (2.5, 4.0)
    paper = build(LAYERS[0], kernel, offset, cells).double()
    released = build(LAYERS[1], kernel, offset, cells).double()
    paper.bias.data = draw(3)
    offsets = paper.offset(deltas)
    bias = paper.bias[:, None, None]
    expected = convolved_by_grid_sample(features, offsets, paper.conv.weight) + bias
    torch.testing.assert_close(paper(features, deltas), expected)

    offsets = released.offset(deltas)
    hidden = relu(convolved_by_grid_sample(features, offsets, released.adaption.weight))
    expected = convolved_by_grid_sample(hidden, offsets * 0, released.conv.weight)
    expected = expected + released.conv.bias[:, None, None]
    torch.testing.assert_close(released(features, deltas), expected)


@pytest.mark.parametrize('kernel', [(3, 5), (2, 3)])
@pytest.mark.parametrize('size', [(4, 5), (2, 2)])
def test_gradients_are_those_of_grid_sample(size, kernel):
    layer = SameDeformConv2d(3, 2, kernel).double()
    features = draw(2, 3, *size).requires_grad_()
    offsets = draw(2, 2 * kernel[0] * kernel[1], *size, seed=3).requires_grad_()
    inputs = (features, offsets, layer.weight)
    out = layer(features, offsets)
    factor = draw(*out.shape, seed=4)
    found = torch.autograd.grad((out * factor).sum(), inputs)
    out = convolved_by_grid_sample(features, offsets, layer.weight)
    expected = torch.autograd.grad((out * factor).sum(), inputs)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('kernel', KERNELS)
@pytest.mark.parametrize('size', [(5, 6), (1, 2)])
def test_without_offsets_it_is_the_plain_convolution(size, kernel):
    layer = build('CalibratedConvolution', kernel).double()
    layer.offset.conv.weight.data.zero_()
    layer.bias.data = draw(3)
    plain = MODELS.build(
        dict(
            type='AnchorConvolution', in_channels=4, out_channels=3, kernel_size=kernel
        )
    ).double()
    plain.conv.weight.data = layer.conv.weight.data
    plain.conv.bias.data = layer.bias.data
    features, deltas = draw(2, 4, *size), draw(2, 4, *size, seed=2)
    torch.testing.assert_close(layer(features, deltas), plain(features))


@pytest.mark.parametrize('offset', OFFSETS)
@pytest.mark.parametrize('layer', LAYERS)
def test_everything_but_the_detached_boxes_is_trained(layer, offset):
    layer = build(layer, (3, 5), offset)
    features = draw(2, 4, 6, 7, dtype=torch.float32).requires_grad_()
    deltas = draw(2, 4, 6, 7, seed=2, dtype=torch.float32).requires_grad_()
    layer(features, deltas.detach()).square().sum().backward()
    assert deltas.grad is None
    assert features.grad.abs().sum() > 0
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().sum() > 0, name
    # Detaching is the caller's choice.
    layer(features, deltas).square().sum().backward()
    assert deltas.grad.abs().sum() > 0


@pytest.mark.parametrize('offset', OFFSETS)
@pytest.mark.parametrize('layer', LAYERS)
def test_bfloat16_samples_the_same_places(layer, offset):
    layer = build(layer, (3, 3), offset)
    # Far offsets, which eight bits cannot hold to a tenth of a cell.
    features = draw(1, 4, 40, 40, dtype=torch.float32).cumsum(3) / 8
    deltas = draw(1, 4, 40, 40, seed=2, dtype=torch.float32)
    deltas[:, 0] = torch.linspace(-40, 40, 40)
    features, deltas = features.bfloat16().float(), deltas.bfloat16().float()
    expected = layer(features, deltas)
    with torch.autocast('cpu', torch.bfloat16):
        found = layer(features.bfloat16(), deltas.bfloat16())
    assert found.dtype == torch.bfloat16
    found.float().square().sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())
    error = (found.float() - expected).abs().mean() / expected.abs().mean()
    assert error < 0.02


def test_float32_features_stay_float32_under_autocast():
    layer = SameDeformConv2d(4, 3, (3, 3))
    features = draw(2, 4, 5, 6, dtype=torch.float32)
    offsets = draw(2, 18, 5, 6, seed=2, dtype=torch.float32)
    expected = layer(features, offsets)
    with torch.autocast('cpu', torch.bfloat16):
        found = layer(features, offsets)
    torch.testing.assert_close(found, expected, atol=0, rtol=0)


@pytest.mark.parametrize('offset', OFFSETS)
@pytest.mark.parametrize('value', [torch.nan, torch.inf, -torch.inf, 1e30])
def test_wild_regressions_harm_only_their_own_place(value, offset):
    layer = build('CalibratedConvolution', (3, 3), offset)
    features = draw(1, 4, 5, 6, dtype=torch.float32).requires_grad_()
    deltas = draw(1, 4, 5, 6, seed=2, dtype=torch.float32)
    expected = layer(features, deltas).detach()
    deltas[..., 2, 3] = value
    found = layer(features, deltas)
    found.square().sum().backward()
    assert found.isfinite().all()
    assert features.grad.isfinite().all()
    expected[..., 2, 3] = found[..., 2, 3].detach()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('batch', [1, 33, 40])
def test_any_batch_size(batch):
    # mmcv's op takes 32 images a step, and no batch that this does not divide.
    layer = build('CalibratedConvolution', (3, 3), channels=(2, 2))
    features = draw(batch, 2, 3, 4, dtype=torch.float32)
    deltas = draw(batch, 4, 3, 4, seed=2, dtype=torch.float32)
    found = layer(features, deltas)
    alone = [layer(f[None], d[None]) for f, d in zip(features, deltas, strict=True)]
    torch.testing.assert_close(found, torch.cat(alone))


@pytest.mark.parametrize('layer', LAYERS)
def test_starts_like_the_other_layers(layer):
    # Xavier for the deformable convolutions too, whose own start is wider.
    layer = build(layer, (3, 3), channels=(64, 64))
    layer.init_weights()
    for name, parameter in layer.named_parameters():
        if name.endswith('bias'):
            assert not parameter.any(), name
        else:
            outputs, inputs, *kernel = parameter.shape
            bound = (6 / ((outputs + inputs) * np.prod(kernel))) ** 0.5
            assert 0.9 * bound < parameter.abs().max() <= bound, name


def test_aligned_offsets_have_no_state():
    layer = build('CalibratedConvolution', (3, 3), 'AlignedOffset')
    assert set(layer.state_dict()) == {'conv.weight', 'bias'}
    layer = build('CalibratedFeatureConvolution', (3, 3))
    assert set(layer.state_dict()) == {
        'offset.conv.weight',
        'adaption.weight',
        'conv.weight',
        'conv.bias',
    }


def test_released_layer_convolves_even_kernels_over_the_whole_map():
    layer = build('CalibratedFeatureConvolution', (2, 3)).double()
    hidden = draw(1, 4, 4, 5).abs()
    layer.adaption.forward = lambda features, offsets: hidden
    found = layer(hidden, draw(1, 4, 4, 5))
    padded = torch.nn.functional.pad(hidden, (1, 1, 0, 1))
    torch.testing.assert_close(found, conv2d(padded, *layer.conv.parameters()))
