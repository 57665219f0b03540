"""AnchorConvolution against a loop over its taps."""

import pytest
import torch

from mmvis.models.stmask.anchor_convolution import predict_together
from mmvis.registry import MODELS

KERNELS = [(3, 3), (3, 5), (5, 3), (3, 2), (2, 3), (2, 2), (4, 1), (1, 1)]


def build(kernel, **kwargs):
    return MODELS.build(
        dict(
            type='AnchorConvolution',
            in_channels=2,
            out_channels=3,
            kernel_size=kernel,
            anchor_cells=kernel,
            **kwargs,
        )
    ).double()


def loop(features, weight, bias):
    """Each tap reads its neighbour; the first is (k - 1) // 2 before the place."""
    height, width = features.shape[-2:]
    kh, kw = weight.shape[-2:]
    out = features.new_zeros(len(features), len(weight), height, width)
    for y in range(height):
        for x in range(width):
            for r in range(kh):
                for c in range(kw):
                    v, u = y + r - (kh - 1) // 2, x + c - (kw - 1) // 2
                    if 0 <= v < height and 0 <= u < width:
                        tap = weight[:, :, r, c]
                        out[:, :, y, x] += features[:, :, v, u] @ tap.T
    return out + bias[None, :, None, None]


@pytest.mark.parametrize('size', [(4, 5), (2, 1), (1, 1)])
@pytest.mark.parametrize('kernel', KERNELS)
def test_each_tap_reads_its_neighbour(kernel, size):
    torch.manual_seed(0)
    layer = build(kernel)
    features = torch.randn(2, 2, *size, dtype=torch.float64)
    expected = loop(features, layer.conv.weight, layer.conv.bias)
    # The regressions are for the calibrated convolutions.
    torch.testing.assert_close(layer(features, torch.full((1,), torch.nan)), expected)


def test_parameters_have_the_names_of_checkpoints():
    assert set(build((3, 2)).state_dict()) == {'conv.weight', 'conv.bias'}


@pytest.mark.parametrize('size', [(4, 5), (1, 1)])
def test_branches_together_are_branches_one_by_one(size):
    torch.manual_seed(0)
    # Two layers of the same kernel, and an even one, in two branches.
    first, second = (
        [build(kernel) for kernel in ((3, 5), (2, 3), (3, 5))] for _ in range(2)
    )
    features = torch.randn(2, 2, *size, dtype=torch.float64)
    results = predict_together(features, first, second)
    for layers, maps in zip((first, second), results, strict=True):
        for layer, one in zip(layers, maps, strict=True):
            torch.testing.assert_close(one, layer(features))
