"""Calibrated convolutions against grid_sample and released numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sampling_reference import convolved_by_grid_sample, draw
from torch.nn.functional import conv2d, pad, relu

from mmvis.models.stmask.calibrated_convolution import SameDeformConv2d
from mmvis.models.stmask.head import XAVIER
from mmvis.registry import MODELS

FIXTURES = Path(__file__).parents[2] / 'fixtures/stmask'
STDS = (0.1, 0.1, 0.2, 0.2)
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
    layer.init_cfg = XAVIER
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
    padded = pad(hidden, (1, 1, 0, 1))
    torch.testing.assert_close(found, conv2d(padded, *layer.conv.parameters()))


@pytest.mark.parametrize('kernel', KERNELS)
def test_begins_as_the_plain_convolution_whose_weights_it_loads(kernel):
    """Offsets of zero, and regressions that are not."""
    plain = dict(in_channels=4, out_channels=3, kernel_size=kernel)
    plain = MODELS.build(dict(type='AnchorConvolution', **plain))
    layer = build('CalibratedConvolution', kernel)
    lacks = layer.load_state_dict(plain.state_dict(), strict=False)
    assert lacks.missing_keys == ['offset.conv.weight'] and not lacks.unexpected_keys
    torch.nn.init.zeros_(layer.offset.conv.weight)
    features = draw(2, 4, 6, 7, dtype=torch.float32)
    deltas = draw(2, 4, 6, 7, seed=2, dtype=torch.float32)
    torch.testing.assert_close(layer(features, deltas), plain(features))
