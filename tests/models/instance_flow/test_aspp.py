"""ASPP: which pixels a pixel sees, and the mean of the map."""

import torch

from mmvis.models.instance_flow.aspp import ASPP


def build(**kwargs):
    torch.manual_seed(0)
    aspp = ASPP(4, 6, dilations=(1, 3), **kwargs)
    for module in aspp.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.uniform_(module.weight, 0.1, 1.0)  # nothing cancels out
    return aspp


def test_a_pixel_sees_the_dilated_neighbours_and_the_whole_map_a_little():
    aspp = build()
    feats = torch.rand(1, 4, 9, 9, requires_grad=True)
    aspp(feats)[0, :, 4, 4].sum().backward()
    seen = feats.grad[0].sum(0)
    near = torch.zeros(9, 9, dtype=torch.bool)
    for dilation in (1, 3):
        for row in (-dilation, 0, dilation):
            for column in (-dilation, 0, dilation):
                near[4 + row, 4 + column] = True
    far = seen[~near]
    # All others count alike, by the mean alone.
    torch.testing.assert_close(far, far[:1].expand_as(far))
    assert 0 < far[0] < 0.2 * seen[near].min()


def test_the_mean_is_that_of_each_frame():
    aspp = build()
    feats = torch.rand(3, 4, 5, 7)
    one_by_one = torch.cat([aspp(frame[None]) for frame in feats])
    torch.testing.assert_close(aspp(feats), one_by_one)


def test_a_single_frame_trains_with_batch_norm():
    aspp = build(norm_cfg=dict(type='BN')).train()
    aspp(torch.rand(1, 4, 5, 7)).sum().backward()
    assert all(p.grad is not None for p in aspp.parameters())
