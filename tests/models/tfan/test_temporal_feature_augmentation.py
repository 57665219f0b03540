"""Eqs. 1-2 of TFAN against loops, and what must not change the result."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmvis.models.tfan.temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)

CHANNELS, SIDE, EMBED = 6, 3, 5


def module(**kwargs) -> TemporalFeatureAugmentation:
    torch.manual_seed(0)
    settings = dict(in_channels=CHANNELS, roi_feat_size=SIDE, embed_channels=EMBED)
    made = TemporalFeatureAugmentation(**settings | kwargs).double()
    torch.nn.init.normal_(made.embed.bias)
    return made


def features(count: int, side: int = SIDE, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(
        count, CHANNELS, side, side, generator=generator, dtype=torch.float64
    )


def boxes(count: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 50
    return torch.cat([corner, corner + 20], dim=1)


def reference_set(made, feats, own_boxes=None, valid=None) -> ReferenceProposals:
    none = torch.full((len(feats), 4), torch.nan, dtype=torch.float64)
    return ReferenceProposals(
        feats={feats.shape[-1]: feats},
        embeddings=made.embeddings(feats),
        bboxes=none if own_boxes is None else own_boxes,
        places=boxes(len(feats), 9) if own_boxes is None else own_boxes,
        valid=torch.ones(len(feats), dtype=torch.bool) if valid is None else valid,
    )


def augmented(made, *args) -> torch.Tensor:
    """The features alone."""
    return made(*args)[0]


def by_loops(made, rois, others, mean_over=None) -> torch.Tensor:
    """The sum of eq. 2 over the RoI itself and the others, pair by pair."""
    temperature = made.temperature.item()

    def embedding(feature):
        return made.embed.weight @ feature.flatten() + made.embed.bias

    centre = 0
    if made.centred:
        mean_over = others if mean_over is None else mean_over
        centre = sum(embedding(one) for one in mean_over) / len(mean_over)
    results = []
    for roi in rois:
        members = [roi, *others]
        similarities = []
        for member in members:
            first, second = embedding(roi) - centre, embedding(member) - centre
            cosine = first @ second / (first.norm() * second.norm())
            similarities.append(math.exp(cosine.item() / temperature))
        total = sum(similarities)
        results.append(
            sum(s / total * m for s, m in zip(similarities, members, strict=True))
        )
    return torch.stack(results)


@pytest.mark.parametrize('centred', [True, False])
@pytest.mark.parametrize('temperature', [0.05, 0.3, 1.0])
def test_equals_loops(temperature, centred):
    made = module(temperature=temperature, centred=centred)
    rois, others = features(4), features(7, seed=2)
    result = augmented(made, rois, boxes(4), reference_set(made, others))
    torch.testing.assert_close(result, by_loops(made, rois, others))


@pytest.mark.parametrize('centred', [True, False])
def test_a_proposal_of_the_key_frame_counts_once(centred):
    """As printed: the sum is over the t proposals, the RoI being one of them."""
    made = module(temperature=0.5, centred=centred)
    own, others = features(4), features(3, seed=2)
    none = torch.full((3, 4), torch.nan, dtype=torch.float64)
    references = reference_set(
        made, torch.cat([own, others]), torch.cat([boxes(4), none])
    )
    everything = torch.cat([own, others])
    wanted = [
        by_loops(
            made,
            own[i : i + 1],
            torch.cat([everything[:i], everything[i + 1 :]]),
            everything,
        )
        for i in range(4)
    ]
    result = augmented(made, own, boxes(4), references)
    torch.testing.assert_close(result, torch.cat(wanted))


def test_a_sharp_temperature_over_its_own_proposals_is_the_identity():
    made = module(temperature=1e-4)
    own = features(6)
    references = reference_set(made, own, boxes(6))
    torch.testing.assert_close(augmented(made, own, boxes(6), references), own)
    # So it is when boxes were refined a little and are no proposals any more.
    torch.testing.assert_close(augmented(made, own, boxes(6) + 1, references), own)


@pytest.mark.parametrize('temperature', [0.05, 1.0])
def test_no_references_is_the_identity(temperature):
    made = module(temperature=temperature)
    own, nothing = features(3), features(0)
    result = augmented(made, own, boxes(3), reference_set(made, nothing))
    torch.testing.assert_close(result, own)
    result.sum().backward()
    assert all(p.grad is not None for p in made.parameters())


def test_no_rois():
    made = module()
    result = augmented(made, features(0), boxes(0), reference_set(made, features(4)))
    assert result.shape == (0, CHANNELS, SIDE, SIDE)
    result.sum().backward()
    assert all((p.grad == 0).all() for p in made.parameters())


def test_the_order_of_references_changes_nothing():
    made = module(temperature=0.2)
    own, others = features(4), features(9, seed=2)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    results = [
        augmented(made, own, boxes(4), reference_set(made, feats))
        for feats in (others, others[order])
    ]
    torch.testing.assert_close(*results)


def test_invalid_references_have_no_effect():
    made = module(temperature=0.2)
    own, others = features(4), features(9, seed=2)
    valid = torch.arange(9) % 3 > 0
    results = [
        augmented(made, own, boxes(4), reference_set(made, others, valid=valid)),
        augmented(made, own, boxes(4), reference_set(made, others[valid])),
    ]
    torch.testing.assert_close(*results)


def test_weights_as_printed_differ_by_no_more_than_e_squared():
    made = module(temperature=1.0, learn_temperature=False, centred=False)
    assert [name for name, _ in made.named_parameters()] == [
        'embed.weight',
        'embed.bias',
    ]
    own, others = features(4), features(50, seed=2)
    references = reference_set(made, others)
    together = made.weights(made.embeddings(own), boxes(4), references)
    torch.testing.assert_close(together.sum(1), torch.ones(4).double())
    assert (together.amax(1) / together.amin(1)).max() <= math.e**2 + 1e-6
    sharp = module(temperature=0.05, centred=False).weights(
        made.embeddings(own), boxes(4), references
    )
    assert (sharp[:, 0] > 10 * together[:, 0]).all()


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


def test_the_temperature_is_positive_whatever_the_parameter():
    made = module()
    assert made.temperature.item() == pytest.approx(0.05)
    with torch.no_grad():
        made.temperature_exponent.fill_(-5.0)
    assert 0 < made.temperature.item() < 0.001
    with pytest.raises(ValueError, match='temperature must be above 0'):
        module(temperature=0.0)


def test_features_of_zeros_have_a_finite_gradient():
    made = module()
    torch.nn.init.zeros_(made.embed.bias)
    own = torch.zeros_like(features(3)).requires_grad_()
    augmented(made, own, boxes(3), reference_set(made, features(5))).sum().backward()
    assert own.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in made.parameters())


def test_centring_takes_away_what_all_have_in_common():
    made = module(temperature=0.05, centred=True)
    own, others = features(4), features(6, seed=2)
    bias = torch.randn(EMBED, generator=torch.Generator().manual_seed(5)).double()
    before = augmented(made, own, boxes(4), reference_set(made, others))
    with torch.no_grad():
        made.embed.bias += 100 * bias
    after = augmented(made, own, boxes(4), reference_set(made, others))
    torch.testing.assert_close(after, before)
    raw = module(temperature=0.05, centred=False)
    with torch.no_grad():
        raw.embed.bias += 100 * bias
    blurred = augmented(raw, own, boxes(4), reference_set(raw, others))
    assert (blurred - blurred.mean(0)).norm() < (after - after.mean(0)).norm() / 2


def test_residual_adds():
    own, others = features(4), features(6, seed=2)
    results = []
    for residual in (False, True):
        made = module(residual=residual)
        results.append(augmented(made, own, boxes(4), reference_set(made, others)))
    torch.testing.assert_close(results[1], own + results[0])


def test_larger_features_share_the_embedding():
    """Constant cells: a feature of twice the side says the same as that of the side."""
    made = module(temperature=0.3)
    own, others = features(4), features(6, seed=2)

    def double(feats):
        return feats.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    references = reference_set(made, others)
    wanted = augmented(made, own, boxes(4), references)
    references.feats[2 * SIDE] = double(others)
    result = augmented(made, double(own), boxes(4), references)
    torch.testing.assert_close(result, double(wanted))


def test_split_gives_each_clip_its_own():
    made = module()
    own, others = features(4), features(9, seed=2)
    parts = reference_set(made, others).split([2, 0, 7])
    assert [len(part.valid) for part in parts] == [2, 0, 7]
    torch.testing.assert_close(
        augmented(made, own, boxes(4), parts[2]),
        augmented(made, own, boxes(4), reference_set(made, others[2:])),
    )


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
