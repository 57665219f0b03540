"""Base masks once a frame against the paper's way, once for each instance."""

import math

import pytest
import torch
from sub_region_reference import BOXES, INPUT
from torch.nn.functional import conv2d, interpolate

from mmvis.models.sg_net.base_mask_module import BaseMaskModule
from mmvis.models.sg_net.granularity_blender import ScalarBlender, VectorBlender

GROUPS = dict(type='GN', num_groups=2)
BLENDERS = {
    'scalar': ScalarBlender(2, 20.0),
    'vector': VectorBlender(2, 20.0, num_base_masks=4),
}


def pyramid(batch=2, channels=6, dtype=torch.float64):
    """P3 to P6 of an input of INPUT; no size is twice the next."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(batch, channels, *size, generator=generator, dtype=dtype)
        for size in ((6, 10), (3, 5), (2, 3), (1, 2))
    ]


def make(dtype=torch.float64, **settings):
    torch.manual_seed(0)
    module = BaseMaskModule(
        **dict(in_channels=6, feat_channels=8, base_channels=5, num_base_masks=4)
        | settings
    )
    module.init_weights()
    for name, parameter in module.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.normal_(parameter)
    return module.to(dtype)


def upsampled_features(module, feats):
    """F of section 3.2: everything before the last 1x1 convolution, upsampled."""
    levels = [
        interpolate(level, feats[0].shape[-2:], mode='bilinear', align_corners=False)
        for level in feats[: module.num_levels]
    ]
    features = torch.cat(levels, 1)
    for conv in module.convs:
        features = conv2d(features, conv.conv.weight, conv.conv.bias, padding=1).relu()
    features = conv2d(features, module.reduce.weight, module.reduce.bias).relu()
    size = [side * module.upsample for side in features.shape[-2:]]
    return interpolate(features, size, mode='bilinear', align_corners=False)


@pytest.mark.parametrize('upsample', [1, 2, 4])
@pytest.mark.parametrize(('num_levels', 'num_convs'), [(3, 2), (2, 2), (1, 0)])
def test_convolution_before_upsampling_is_the_same(upsample, num_levels, num_convs):
    module = make(upsample=upsample, num_levels=num_levels, num_convs=num_convs)
    feats = pyramid()
    base_masks = module(feats)
    features = upsampled_features(module, feats)
    expected = conv2d(features, module.project.weight, module.project.bias)
    assert base_masks.shape == (2, 4, 6 * upsample, 10 * upsample)
    torch.testing.assert_close(base_masks, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('kind', BLENDERS)
def test_once_a_frame_is_the_same_as_once_an_instance(kind):
    """Zeros outside of a box, a 1x1 convolution, eq. 2; then eq. 3."""
    module, blender = make(), BLENDERS[kind]
    feats = pyramid(batch=1)
    scores = torch.randn(len(BOXES), blender.num_scores, dtype=torch.float64)
    masks = blender(module(feats)[0], scores, BOXES, INPUT)

    features = upsampled_features(module, feats)[0]
    height, width = features.shape[-2:]
    x = (torch.arange(width) + 0.5) * INPUT[1] / width
    y = (torch.arange(height)[:, None] + 0.5) * INPUT[0] / height
    total = 0
    for mask, box, score in zip(masks, BOXES, scores, strict=True):
        inside = (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])
        inside &= box.isfinite().all()
        local = features.where(inside, 0.0)[None]
        own = conv2d(local, module.project.weight, module.project.bias)[0]
        # The bias is left outside of the box, where nothing is looked at.
        assert not torch.equal(own, module(feats)[0])
        one = blender(own, score[None], box[None], INPUT)[0]
        torch.testing.assert_close(mask, one, rtol=0, atol=1e-12)
        total = total + one
    torch.testing.assert_close(masks.sum(0), total, rtol=0, atol=1e-12)
    assert (total > 1).any()


def test_levels_beyond_are_not_used():
    module = make(num_levels=2)
    feats = pyramid()
    expected = module(feats[:2])
    assert torch.equal(module([*feats[:2], None, None]), expected)
    assert not torch.equal(module([feats[0], 2 * feats[1]]), expected)
    with pytest.raises(
        ValueError, match='2 levels are needed for base masks, but there are 1'
    ):
        module(feats[:1])


@pytest.mark.parametrize('settings', [{}, dict(norm_cfg=GROUPS), dict(num_convs=0)])
def test_every_parameter_gets_a_gradient(settings):
    module = make(**settings)
    module(pyramid()).sin().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_starts_as_blend_mask_does():
    """Uniform, with a variance of one by the inputs of an output; biases zero."""
    module = BaseMaskModule(16, feat_channels=32, base_channels=64, num_base_masks=64)
    module.init_weights()
    convs = [m for m in module.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convs) == 4
    for conv in convs:
        bound = math.sqrt(3 / conv.weight[0].numel())
        assert 0.95 * bound < conv.weight.abs().max() <= bound
        assert conv.weight.var().item() == pytest.approx(bound**2 / 3, rel=0.1)
        assert not conv.bias.any()


def test_autocast():
    module = make(torch.float32)
    feats = pyramid(dtype=torch.float32)
    expected = module(feats)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(module(feats).float(), expected, atol=0.1, rtol=0.05)
