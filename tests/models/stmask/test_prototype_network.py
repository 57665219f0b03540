"""Prototypes, at the resolution of Yolact and finer."""

import pytest
import torch

from mmvis.models.stmask import PrototypeNetwork


def network(**settings):
    torch.manual_seed(0)
    net = PrototypeNetwork(8, 4, feat_channels=8, num_convs=1, **settings)
    return net.eval()


def test_each_upsampling_doubles_the_sides():
    for times in (1, 2, 3):
        maps = network(num_upsamplings=times)(torch.rand(2, 8, 3, 5))
        assert maps.shape == (2, 4, 3 * 2**times, 5 * 2**times)


def test_finer_prototypes_are_made_of_the_coarse_ones_features():
    # All but the last convolution has the names and sizes of a network without it, so
    # that its weights can be gone on with; and they matter.
    coarse, fine = network(), network(num_upsamplings=2)
    kept = {
        name: tensor
        for name, tensor in coarse.state_dict().items()
        if not name.startswith('project')
    }
    missing, unexpected = fine.load_state_dict(kept, strict=False)
    assert not unexpected
    assert {name.split('.')[0] for name in missing} == {'finer_convs', 'project'}
    feats = torch.rand(1, 8, 3, 5, requires_grad=True)
    fine(feats).sum().backward()
    assert feats.grad.abs().sum() > 0
    for name, parameter in fine.named_parameters():
        assert parameter.grad is not None, name


def test_no_upsampling_is_refused():
    with pytest.raises(ValueError, match='num_upsamplings must be 1 or more'):
        network(num_upsamplings=0)
