"""Weighted sums of planes against the plain formula, and without large tensors."""

import pytest
import torch

from mmvis.models.sg_net import weighted_sums
from mmvis.models.sg_net.weighted_sums import WeightedSums


def draw(places=11, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    planes = torch.randn(2, 3, 7, 4, generator=generator, dtype=dtype)
    weights = torch.randn(5, 3, generator=generator, dtype=dtype)
    place = torch.randint(2 * 7, (places,), generator=generator)
    row = torch.randint(5, (places,), generator=generator)
    return planes.requires_grad_(), weights.requires_grad_(), place, row


def plain(planes, weights, place, row):
    runs = planes.transpose(1, 2).flatten(0, 1)[place]
    return torch.einsum('sk,skt->st', weights[row], runs)


@pytest.mark.parametrize('chunk', [1, 4, 2**12])
def test_is_the_weighted_sum(chunk, monkeypatch):
    monkeypatch.setattr(weighted_sums, 'CHUNK', chunk)
    case = draw()
    sums, expected = WeightedSums.apply(*case), plain(*case)
    torch.testing.assert_close(sums, expected)
    grad = torch.randn_like(sums)
    found = torch.autograd.grad(sums, case[:2], grad)
    torch.testing.assert_close(found, torch.autograd.grad(expected, case[:2], grad))


def test_gradients_are_those_of_differences():
    planes, weights, place, row = draw()
    assert torch.autograd.gradcheck(
        lambda p, w: WeightedSums.apply(p, w, place, row), (planes, weights)
    )


def test_no_place():
    planes, weights, place, row = draw(0)
    sums = WeightedSums.apply(planes, weights, place, row)
    assert sums.shape == (0, 4)
    sums.sum().backward()
    for tensor in (planes, weights):
        assert torch.equal(tensor.grad, torch.zeros_like(tensor))


def test_planes_in_another_layout():
    planes, weights, place, row = draw()
    strided = planes.detach().permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert not strided.is_contiguous()
    found = WeightedSums.apply(strided, weights, place, row)
    torch.testing.assert_close(found, plain(planes, weights, place, row))


def test_little_is_held_for_the_backward_pass():
    """K values of every place would be 3 * 4 * 100,000 numbers."""
    planes, weights, place, row = draw(100_000, torch.float32)
    held = []

    def pack(tensor):
        held.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        WeightedSums.apply(planes, weights, place, row)
    assert max(held) == len(place)


def test_backward_pass_inside_of_autocast():
    case = draw(dtype=torch.float32)
    expected = torch.autograd.grad(plain(*case).sum(), case[:2])
    with torch.autocast('cpu', torch.bfloat16):
        found = torch.autograd.grad(WeightedSums.apply(*case).sum(), case[:2])
    torch.testing.assert_close(found, expected)
