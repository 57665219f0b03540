"""Project first, then sample: the same as mmcv's deformable convolution."""

import pytest
import torch
from mmcv.ops import deform_conv2d
from torch.nn.functional import conv2d, pad

from mmvis.models.layers.sampled_convolution import sampled_convolution


def by_mmcv(features, offsets, weight):
    height, width = weight.shape[2:]
    sides = ((width - 1) // 2, width // 2, (height - 1) // 2, height // 2)
    return deform_conv2d(pad(features, sides), offsets, weight, 1, 0)


def draw(batch, size, kernel, spread=3.0):
    torch.manual_seed(0)
    features = torch.randn(batch, 6, *size, dtype=torch.double)
    offsets = torch.randn(batch, 2 * kernel[0] * kernel[1], *size, dtype=torch.double)
    weight = torch.randn(5, 6, *kernel, dtype=torch.double)
    tensors = features, spread * offsets, weight
    return [tensor.requires_grad_() for tensor in tensors]


@pytest.mark.parametrize('kernel', [(3, 3), (3, 5), (5, 3), (2, 3), (4, 2), (1, 1)])
@pytest.mark.parametrize('size', [(7, 9), (2, 3), (1, 1)])
def test_values_and_gradients_are_mmcvs(kernel, size):
    tensors = draw(2, size, kernel)
    ours, expected = sampled_convolution(*tensors), by_mmcv(*tensors)
    torch.testing.assert_close(ours, expected, atol=1e-12, rtol=1e-12)
    weights = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(ours, tensors, weights),
        torch.autograd.grad(expected, tensors, weights),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-11, rtol=1e-11)


def test_without_offsets_it_is_a_convolution():
    features, offsets, weight = draw(3, (6, 5), (5, 3), spread=0)
    expected = conv2d(features, weight, padding='same')
    torch.testing.assert_close(sampled_convolution(features, offsets, weight), expected)


def test_places_on_the_border_and_far_away():
    features, offsets, weight = draw(1, (4, 6), (3, 3))
    with torch.no_grad():
        offsets[:, :4] = -1.0
        offsets[:, 4:8] = 1e4
        offsets[:, 8:10] = 0.999
    ours = sampled_convolution(features, offsets, weight)
    torch.testing.assert_close(ours, by_mmcv(features, offsets, weight))
