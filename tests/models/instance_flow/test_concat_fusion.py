"""Concatenation of frames: what each pixel sees of the reference frame."""

import pytest
import torch

from mmvis.models.instance_flow.concat_fusion import (
    ConcatCascadeASPPFusion,
    ConcatConvFusion,
)


@pytest.mark.parametrize('num_convs', [1, 3])
def test_convolutions_reach_a_pixel_each(num_convs):
    torch.manual_seed(0)
    fusion = ConcatConvFusion(4, 3, 8, num_convs=num_convs)
    target, reference = torch.randn(2, 1, 4, 11, 11)
    changed = reference.clone()
    changed[..., 5, 5] += 10

    def run(frame):
        return fusion(fusion.embed_target(target), fusion.embed_reference(frame))

    seen = (run(reference) != run(changed)).any(1)[0].nonzero()
    assert seen.min() >= 5 - num_convs and seen.max() <= 5 + num_convs
    assert len(seen) > (2 * num_convs - 1) ** 2
    # Target and reference are told apart.
    swapped = fusion(fusion.embed_target(reference), fusion.embed_reference(target))
    assert not torch.allclose(swapped, run(reference))


def test_a_cascade_has_the_second_aspp_read_the_first():
    torch.manual_seed(0)
    fusion = ConcatCascadeASPPFusion(4, 3, 8, dilations=(1, 2))
    feats = torch.randn(1, 16, 9, 9)
    before = fusion.fuse(feats)
    with torch.no_grad():
        fusion.first.project.conv.bias.add_(1.0)
    after = fusion.fuse(feats)
    assert not torch.allclose(before, after)
    with torch.no_grad():
        feats[:, 3] += 1.0
        assert not torch.allclose(fusion.fuse(feats), after)


def test_one_target_for_several_references():
    torch.manual_seed(0)
    for fusion in (ConcatConvFusion(4, 3, 8), ConcatCascadeASPPFusion(4, 3, 8)):
        target = fusion.embed_target(torch.randn(1, 4, 6, 5))
        memory = fusion.embed_reference(torch.randn(3, 4, 6, 5))
        alone = torch.cat([fusion(target, one[None]) for one in memory])
        torch.testing.assert_close(fusion(target, memory), alone)
