"""Deformable blocks: where they are, and that they are DCNv2."""

import pytest
import torch
from mmcv.ops import modulated_deform_conv2d
from mmdet.models.backbones import ResNet
from torch.nn.functional import grid_sample, pad

from mmvis.models.stmask.deformable_resnet import (
    DeformableResNet,
    SafeModulatedDeformConv2d,
)
from mmvis.registry import MODELS


def deformable_blocks(backbone: DeformableResNet) -> list[list[int]]:
    return [
        [i for i, block in enumerate(stage) if hasattr(block.conv2, 'conv_offset')]
        for stage in (getattr(backbone, name) for name in backbone.res_layers)
    ]


@pytest.mark.parametrize(
    ('depth', 'interval', 'expected'),
    [
        (101, 3, [[], [0, 3], [0, 3, 6, 9, 12, 15, 18, 21], [0]]),
        (50, 2, [[], [0, 2], [0, 2, 4], [0, 2]]),
        (50, 3, [[], [0, 3], [0, 3], [0]]),
        (18, None, [[], [], [], []]),
    ],
)
def test_every_nth_block_is_deformable(depth, interval, expected):
    config = dict(type='DeformableResNet', depth=depth, dcn_interval=interval)
    backbone = MODELS.build(dict(config, base_channels=4))
    assert deformable_blocks(backbone) == expected
    assert [list(blocks) for blocks in backbone.dcn_blocks] == expected


def test_blocks_can_be_listed():
    blocks = [[1], [], [0, 5]]
    backbone = DeformableResNet(
        50,
        dcn_blocks=blocks,
        base_channels=4,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
    )
    assert deformable_blocks(backbone) == blocks


def test_wrong_blocks_are_named():
    with pytest.raises(ValueError, match=r'dcn_blocks\[1\].*blocks 0 to 3'):
        DeformableResNet(50, dcn_blocks=[[], [4], [], []])
    with pytest.raises(ValueError, match='not both'):
        DeformableResNet(50, dcn_interval=3, dcn_blocks=[[], [0], [], []])
    with pytest.raises(ValueError, match='1 or more'):
        DeformableResNet(50, dcn_interval=0)
    with pytest.raises(KeyError, match='invalid depth'):
        DeformableResNet(51, dcn_interval=3)


@pytest.mark.parametrize('depth', [18, 50])
def test_starts_as_the_plain_network_with_half_modulation(depth):
    """Fresh offsets are zero and the modulation is sigmoid(0), so 2 w gives ResNet."""
    torch.manual_seed(0)
    plain = ResNet(depth, base_channels=8, zero_init_residual=False)
    plain.eval()
    backbone = DeformableResNet(
        depth, dcn_interval=2, base_channels=8, zero_init_residual=False
    ).eval()
    backbone.init_weights()
    fresh = backbone.load_state_dict(plain.state_dict(), strict=False)
    assert not fresh.unexpected_keys
    assert all('conv_offset' in k or 'conv2.bias' in k for k in fresh.missing_keys)
    for module in backbone.modules():
        if isinstance(module, SafeModulatedDeformConv2d):
            module.weight.data *= 2
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        for actual, expected in zip(backbone(images), plain(images), strict=True):
            torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


def test_equals_bilinear_samples_tap_by_tap():
    """DCNv2 written with torch's grid_sample (Zhu et al., 2019, eq. 1)."""
    torch.manual_seed(1)
    conv = SafeModulatedDeformConv2d(3, 5, 3, stride=2, padding=1, bias=True).double()
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    features = torch.randn(2, 3, 9, 7, dtype=torch.float64)
    predicted = conv.conv_offset(features)
    height, width = predicted.shape[-2:]
    # A ring of zeros makes grid_sample's border that of the operator: a sample up to
    # one cell outside the map is interpolated with zero.
    padded = pad(features, (2, 2, 2, 2))
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    expected = conv.bias.view(1, -1, 1, 1)
    for tap in range(9):
        y = 2 * ys - 1 + tap // 3 + predicted[:, 2 * tap]
        x = 2 * xs - 1 + tap % 3 + predicted[:, 2 * tap + 1]
        grid = torch.stack([2 * (x + 2) / 10 - 1, 2 * (y + 2) / 12 - 1], dim=-1)
        sampled = grid_sample(padded, grid, align_corners=True)
        sampled = sampled * predicted[:, 18 + tap : 19 + tap].sigmoid()
        weight = conv.weight[:, :, tap // 3, tap % 3]
        expected = expected + torch.einsum('oc,bchw->bohw', weight, sampled)
    torch.testing.assert_close(conv(features), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_takes_half_precision(dtype):
    torch.manual_seed(0)
    conv = SafeModulatedDeformConv2d(4, 4, 3, padding=1, bias=True)
    features = torch.randn(1, 4, 8, 8)
    with torch.autocast('cpu', dtype):
        half = conv(features)
    assert half.dtype == dtype
    half.float().sum().backward()
    assert conv.weight.grad.isfinite().all()
    torch.testing.assert_close(half.float(), conv(features), atol=0.05, rtol=0.05)


def test_survives_nan_and_shows_it():
    conv = SafeModulatedDeformConv2d(2, 2, 3, padding=1, bias=True)
    features = torch.randn(1, 2, 8, 8)
    features[0, 0, 4, 4] = torch.nan
    features.requires_grad_()
    output = conv(features)
    output.sum().backward()
    assert output[0, :, 4, 4].isnan().all()
    assert output[0, :, 0, 0].isfinite().all()


def test_modes_chain_and_frozen_stages_stay():
    backbone = DeformableResNet(
        50, dcn_interval=2, base_channels=4, frozen_stages=2, norm_eval=True
    )
    assert backbone.eval() is backbone
    assert backbone.train() is backbone
    assert not any(p.requires_grad for p in backbone.layer2.parameters())
    assert all(p.requires_grad for p in backbone.layer3.parameters())
    assert not backbone.layer4[0].bn1.training


def test_the_gradient_of_mmcvs_operator_is_its_adjoint():
    """It is linear in its input: far outside of the map, too."""
    generator = torch.Generator().manual_seed(0)
    options = dict(dtype=torch.float64, generator=generator)
    features = torch.randn(1, 2, 5, 6, **options).requires_grad_()
    offsets = 4 * torch.randn(1, 18, 5, 6, **options)
    others = offsets, torch.rand(1, 9, 5, 6, **options)
    weight = torch.randn(3, 2, 3, 3, **options)
    grad = torch.randn(1, 3, 5, 6, **options)

    def convolve(maps):
        return modulated_deform_conv2d(maps, *others, weight, None, 1, 1, 1, 1, 1)

    convolve(features).backward(grad)
    units = torch.eye(60, dtype=torch.float64).view(60, 1, 2, 5, 6)
    adjoint = torch.stack([(convolve(unit) * grad).sum() for unit in units])
    torch.testing.assert_close(features.grad.flatten(), adjoint, rtol=1e-12, atol=1e-12)
