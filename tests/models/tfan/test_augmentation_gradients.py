"""Gradients of TFAN's augmentation, its memory, and half precision."""

import pytest
import torch
from reference_sets import (
    CHANNELS,
    SIDE,
    augmented,
    boxes,
    features,
    module,
    reference_set,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def test_gradients_reach_everything():
    made = module(temperature=0.3)
    own = features(4).requires_grad_()
    others = features(6, seed=2).requires_grad_()
    augmented(
        made, own, boxes(4), reference_set(made, others)
    ).square().sum().backward()
    tensors = dict(made.named_parameters(), own=own, others=others)
    for name, tensor in tensors.items():
        assert tensor.grad.isfinite().all() and tensor.grad.abs().sum() > 0, name
    # The key frame's own row, which is left out, must not turn it into NaN.
    made.zero_grad()
    augmented(made, own, boxes(4), reference_set(made, own, boxes(4))).sum().backward()
    assert all(p.grad.isfinite().all() for p in made.parameters())


def test_the_gradient_of_the_temperature():
    made = module(temperature=0.3)
    own, others = features(4), features(6, seed=2)

    def loss(exponent: float) -> torch.Tensor:
        with torch.no_grad():
            made.temperature_exponent.fill_(exponent)
        return (
            augmented(made, own, boxes(4), reference_set(made, others)).square().sum()
        )

    step = 1e-3
    numeric = (loss(step) - loss(-step)).item() / (2 * step)
    loss(0.0).backward()
    assert made.temperature_exponent.grad.item() == pytest.approx(numeric, rel=1e-4)


def test_features_of_zeros_have_a_finite_gradient():
    made = module()
    torch.nn.init.zeros_(made.embed.bias)
    own = torch.zeros_like(features(3)).requires_grad_()
    augmented(made, own, boxes(3), reference_set(made, features(5))).sum().backward()
    assert own.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in made.parameters())


class LargestTensor(TorchDispatchMode):
    """The number of elements of the largest tensor that is made."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.elements = max(self.elements, leaf.numel())
        return result


def test_memory_is_that_of_the_weights_and_not_of_all_pairs_of_features():
    count = 64
    made = module()
    own, references = features(count), reference_set(made, features(count, seed=2))
    with LargestTensor() as largest:
        augmented(made, own, boxes(count), references).sum().backward()
    # Equality of boxes compares their four numbers.
    assert 4 * count**2 <= largest.elements <= 5 * count**2
    assert largest.elements < count**2 * CHANNELS * SIDE**2 / 10


def test_autocast_keeps_the_weights_in_full_precision():
    made = module(temperature=0.05).float()
    own, others = features(8).float(), features(64, seed=2).float()
    wanted = augmented(made, own, boxes(8), reference_set(made, others))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        references = reference_set(made, others)
        assert references.embeddings.dtype == torch.float32
        result = augmented(made, own.bfloat16(), boxes(8), references)
        weights = made.weights(made.embeddings(own), boxes(8), references)[:, 1:]
    assert result.dtype == torch.bfloat16
    assert weights.dtype == torch.float32
    torch.testing.assert_close(result.float(), wanted, atol=0.1, rtol=0.1)
