"""The tracking loss against a loop over pairs and the released numbers."""

import math

import pytest
import torch
from fixtures.stmask_fixtures import load
from torch.nn.functional import normalize

from mmvis.models.common.pairwise_embedding_loss import PairwiseEmbeddingLoss


def draw(count, dtype=torch.float64):
    generator = torch.Generator().manual_seed(count)
    embeddings = torch.randn(count, 5, generator=generator, dtype=dtype)
    ids = torch.randint(3, (count,), generator=generator)
    weights = torch.rand(count, generator=generator, dtype=dtype)
    return normalize(embeddings, dim=1).requires_grad_(), ids, weights


def by_hand(embeddings, ids, weights):
    top = bottom = 0.0
    for i in range(len(ids)):
        for j in range(i):
            cosine = sum((embeddings[i] * embeddings[j]).tolist())
            close = (cosine + 1) / 2
            cost = -math.log(close if ids[i] == ids[j] else 1 - close)
            pair = float(weights[i] * weights[j])
            top, bottom = top + pair * cost, bottom + pair
    return top / bottom


@pytest.mark.parametrize('count', [2, 3, 17])
def test_is_the_weighted_mean_over_pairs(count):
    embeddings, ids, weights = draw(count)
    loss = PairwiseEmbeddingLoss(loss_weight=5.0)(embeddings, ids, weights)
    assert loss.item() == pytest.approx(5 * by_hand(embeddings, ids, weights), rel=1e-9)


@pytest.mark.parametrize('kept', [slice(None), slice(0, 0), slice(0, 1)])
def test_balanced_is_the_mean_of_the_means_of_both_kinds_of_pairs(kept):
    """Also where one kind has no pair: then it is the mean of the other."""
    embeddings, ids, weights = draw(17)
    chosen = torch.cat(
        [(ids == k).nonzero()[kept if k else slice(None)] for k in (0, 1)]
    )
    rows = chosen.squeeze(1)
    embeddings, ids, weights = embeddings[rows], ids[rows], weights[rows]
    means = []
    for same in (True, False):
        top = bottom = 0.0
        for i in range(len(ids)):
            for j in range(i):
                if bool(ids[i] == ids[j]) == same:
                    pair = by_hand(embeddings[[i, j]], ids[[i, j]], weights[[i, j]])
                    weight = float(weights[i] * weights[j])
                    top, bottom = top + weight * pair, bottom + weight
        means += [top / bottom] if bottom else []
    loss = PairwiseEmbeddingLoss(balanced=True, loss_weight=2.0)
    value = loss(embeddings, ids, weights).item()
    assert value == pytest.approx(2 * sum(means) / len(means), rel=1e-9)


def test_has_the_released_value_and_gradient():
    stored = {k: torch.from_numpy(v) for k, v in load('unit/loss_pieces').items()}
    embeddings = stored['track'].requires_grad_()
    positive = stored['conf_t'] > 0
    weights = (positive / positive.sum(1, keepdim=True))[positive]
    loss = PairwiseEmbeddingLoss()(
        embeddings[positive], stored['ids_t'][positive], weights
    )
    torch.testing.assert_close(loss, stored['track_loss'][0], rtol=1e-5, atol=0)
    loss.backward()
    torch.testing.assert_close(
        embeddings.grad, stored['track_grad'], rtol=1e-4, atol=1e-7
    )


def test_gradients_are_those_of_differences():
    embeddings, ids, weights = draw(6)
    loss = PairwiseEmbeddingLoss()
    assert torch.autograd.gradcheck(lambda e: loss(e, ids, weights), embeddings)


@pytest.mark.parametrize('count', [0, 1, 4])
@pytest.mark.parametrize('balanced', [False, True])
def test_without_weighted_pairs_it_is_zero_and_connected(count, balanced):
    embeddings, ids, weights = draw(count)
    loss = PairwiseEmbeddingLoss(balanced=balanced)(
        embeddings, ids, weights * (count < 2)
    )
    loss.backward()
    assert loss == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


@pytest.mark.parametrize('same', [True, False])
def test_equal_and_opposite_embeddings_stay_finite(same):
    one = normalize(torch.randn(4, generator=torch.Generator().manual_seed(0)), dim=0)
    for other in (one, -one):
        embeddings = torch.stack([one, other]).requires_grad_()
        ids = torch.tensor([0, 0 if same else 1])
        loss = PairwiseEmbeddingLoss(loss_weight=1.0)(embeddings, ids, torch.ones(2))
        loss.backward()
        assert 0 <= loss <= -math.log(1e-10) + 1e-3
        assert embeddings.grad.isfinite().all()


def test_samples_are_bounded_and_unbiased_for_equal_weights():
    embeddings, ids, weights = draw(12)
    weights = torch.ones_like(weights)
    everything = PairwiseEmbeddingLoss()(embeddings, ids, weights).item()
    some = PairwiseEmbeddingLoss(max_samples=5)
    torch.manual_seed(0)
    losses = torch.stack([some(embeddings, ids, weights) for _ in range(600)]).detach()
    deviation = losses.std() / len(losses) ** 0.5
    assert abs(losses.mean() - everything) < 4 * deviation
    assert losses.std() > 0
    (gradient,) = torch.autograd.grad(some(embeddings, ids, weights), embeddings)
    assert (gradient.abs().sum(1) > 0).sum() == 5


def test_half_precision_embeddings_are_compared_in_full():
    embeddings, ids, weights = draw(9)
    embeddings = embeddings.detach().bfloat16()
    loss = PairwiseEmbeddingLoss()
    with torch.autocast('cpu', torch.bfloat16):
        half = loss(embeddings, ids, weights.float())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, loss(embeddings.float(), ids, weights.float()))
