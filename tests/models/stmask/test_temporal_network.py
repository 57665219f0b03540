"""TemporalNetwork against numbers of the released code and closed forms."""

import pytest
import torch
from fixtures.stmask_fixtures import load
from torch.nn.functional import conv2d, linear

from mmvis.models.stmask.temporal_network import (
    TemporalNetwork,
    boxes_to_cells,
    clip_to_map,
)
from mmvis.registry import MODELS


def load_tensors(name):
    return {key: torch.from_numpy(array) for key, array in load(name).items()}


def small_network(**kwargs):
    settings = dict(in_channels=6, channels=(5, 7), num_coefficients=3) | kwargs
    network = TemporalNetwork(**settings)
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            wave = torch.arange(parameter.numel()).add(index).sin()
            parameter.copy_(wave.reshape(parameter.shape))
    return network


def make_rois(*rows):
    return torch.tensor(rows).reshape(-1, 5)


def test_pools_as_the_release_does():
    numbers = load_tensors('unit/correlate_roi')
    features, expected = numbers['roi_feat'], numbers['roi_out_7x7']
    shape = features.shape[-2:]
    boxes = boxes_to_cells(numbers['roi_boxes_norm'] * 640, (640, 640), shape)
    rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
    pooled = small_network().pool(features, rois)
    torch.testing.assert_close(pooled, expected, atol=5e-5, rtol=1e-4)


def test_boxes_in_cells_are_those_of_the_release():
    numbers = load_tensors('temporal_r50_ada_A0_to_A1')
    boxes = numbers['boxes'] * torch.tensor([320.0, 192.0, 320.0, 192.0])
    sides = clip_to_map(boxes_to_cells(boxes, (192, 320), (12, 20)), (12, 20))
    cells = torch.cat(sides, dim=1)
    torch.testing.assert_close(cells, numbers['roi_boxes_feature_px'])


def test_pools_the_place_of_the_box_of_the_right_pair():
    # Bilinear samples of a plane have its value at the centre of the bin.
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(20.0), indexing='ij')
    planes = torch.stack([x + 0.5, y + 0.5, x * 0 + 1])
    features = torch.stack([planes, 100 + planes])
    rois = make_rois((1.0, 2, 3, 16, 10), (0.0, 4.2, 1.1, 9.8, 8.1))
    pooled = TemporalNetwork(in_channels=3, channels=(4,)).pool(features, rois)
    steps = (torch.arange(7) + 0.5) / 7
    for row, (pair, x1, y1, x2, y2) in zip(pooled, rois.tolist(), strict=True):
        columns = 100 * pair + x1 + (x2 - x1) * steps
        rows = 100 * pair + y1 + (y2 - y1) * steps
        torch.testing.assert_close(row[0], columns.expand(7, 7))
        torch.testing.assert_close(row[1], rows[:, None].expand(7, 7))


def test_boxes_outside_of_the_map_have_no_features():
    network, features = small_network(), torch.rand(1, 6, 8, 10) + 1
    inside = (0.0, 2.0, 1.0, 5.0, 6.0)
    nan = float('nan')
    rois = make_rois(
        (0.0, -9.0, 1.0, -4.0, 5.0),
        (0.0, 12.0, 1.0, 15.0, 5.0),
        inside,
        (0.0, 2.0, -9.0, 5.0, -1.0),
        (0.0, 2.0, 9.0, 5.0, 99.0),
        (0.0, nan, 1.0, 5.0, 6.0),
        (0.0, nan, nan, nan, nan),
    )
    pooled = network.pool(features, rois)
    assert pooled[[0, 1, 3, 4, 5, 6]].eq(0).all()
    assert torch.equal(pooled[2:3], network.pool(features, make_rois(inside)))
    assert pooled[2].min() >= 1
    assert all(out.isfinite().all() for out in network(features, rois))


def test_boxes_that_reach_out_see_the_map_only():
    network, features = small_network(), torch.rand(1, 6, 8, 10)
    inf = float('inf')
    rois = make_rois((0.0, -7.0, -7.0, 4.0, 30.0), (0.0, inf, 8.0, -inf, -inf))
    cut = make_rois((0.0, 0.0, 0.0, 4.0, 8.0), (0.0, 0.0, 0.0, 10.0, 8.0))
    assert torch.equal(network.pool(features, rois), network.pool(features, cut))


def test_equals_its_layers_one_after_another():
    network, features = small_network(roi_size=5), torch.rand(2, 6, 8, 10)
    rois = make_rois((1.0, 2, 1, 5, 6), (0.0, 0, 0, 10, 8), (1.0, 3, 3, 4, 8))
    state = network.state_dict()
    assert set(state) == {
        f'{layer}.{kind}'
        for layer in ('convs.0.conv', 'convs.1.conv', 'fc_reg', 'fc_coeff')
        for kind in ('weight', 'bias')
    }
    feats = network.pool(features, rois)
    for index in range(2):
        weight, bias = (state[f'convs.{index}.conv.{k}'] for k in ('weight', 'bias'))
        feats = conv2d(feats, weight, bias, padding=1).clamp(min=0)
    feats = feats.flatten(2).sum(2) / 25
    for result, layer, size in zip(
        network(features, rois), ('fc_reg', 'fc_coeff'), (4, 3), strict=True
    ):
        expected = linear(feats, state[f'{layer}.weight'], state[f'{layer}.bias'])
        assert result.shape == (3, size)
        torch.testing.assert_close(result, expected)


@pytest.mark.parametrize('count', [0, 2])
def test_every_parameter_and_the_features_have_gradients(count):
    network = small_network()
    features = torch.rand(2, 6, 8, 10, requires_grad=True)
    rois = make_rois(*[(1.0, 2.0, 1.0, 5.0, 6.0)] * count)
    deltas, increments = network(features, rois)
    assert deltas.shape == (count, 4) and increments.shape == (count, 3)
    (deltas.sum() + increments.sum()).backward()
    for tensor in (features, *network.parameters()):
        assert tensor.grad is not None and tensor.grad.isfinite().all()
        assert bool(tensor.grad.any()) == bool(count)
    assert not features.grad[0].any()


@pytest.mark.parametrize('count', [0, 2])
def test_low_precision(count):
    features = torch.rand(1, 6, 30, 40)
    rois = make_rois(*[(0.0, 30.3, 20.2, 33.3, 24.4)] * count)
    network = small_network()
    expected = network(features, rois)
    with torch.autocast('cpu', torch.bfloat16):
        mixed = network(features.bfloat16(), rois)
    network.bfloat16()
    low = network(features.bfloat16(), rois)
    for exact, *others in zip(expected, mixed, low, strict=True):
        for other in others:
            assert other.dtype == torch.bfloat16
            scale = exact.abs().max().item() if count else 1.0
            torch.testing.assert_close(
                other.float(), exact, atol=0.03 * scale, rtol=0.03
            )
    # Boxes that bfloat16 could not tell apart are sampled where they are.
    near = rois + torch.tensor([0.0, 0.05, 0.05, 0.05, 0.05])
    if count:
        assert not torch.equal(
            network.pool(features.bfloat16(), rois),
            network.pool(features.bfloat16(), near),
        )


def test_the_default_is_the_network_of_the_paper():
    network = MODELS.build(dict(type='TemporalNetwork'))
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    assert shapes['convs.0.conv.weight'] == (512, 256 + 256 + 11 * 11, 3, 3)
    assert shapes['convs.2.conv.weight'] == (1024, 512, 3, 3)
    assert shapes['fc_reg.weight'] == (4, 1024)
    assert shapes['fc_coeff.weight'] == (32, 1024)
