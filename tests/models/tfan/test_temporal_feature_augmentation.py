"""Eqs. 1-2 of TFAN against loops, and what must not change the result."""

import math

import pytest
import torch
from reference_sets import (
    CHANNELS,
    EMBED,
    SIDE,
    augmented,
    boxes,
    features,
    module,
    reference_set,
)


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


def test_the_temperature_is_positive_whatever_the_parameter():
    made = module()
    assert made.temperature.item() == pytest.approx(0.05)
    with torch.no_grad():
        made.temperature_exponent.fill_(-5.0)
    assert 0 < made.temperature.item() < 0.001
    with pytest.raises(ValueError, match='temperature must be above 0'):
        module(temperature=0.0)


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
