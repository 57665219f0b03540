"""Attention among embeddings against loops over RoIs, heads and references."""

import math

import pytest
import torch

from mmvis.models.tfan.fc_feature_augmentation import FCFeatureAugmentation
from mmvis.models.tfan.reference_set import ReferenceProposals, shares

CHANNELS, SIDE, DEPTH, HEADS = 3, 2, 8, 2


def module(**settings) -> FCFeatureAugmentation:
    torch.manual_seed(0)
    made = FCFeatureAugmentation(CHANNELS, SIDE, DEPTH, HEADS, **settings).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def features(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = count, CHANNELS, SIDE, SIDE
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def boxes(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 60
    sides = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 40 + 2
    return torch.cat([corners, corners + sides], dim=1)


def references(made, feats, places, num_key=0, valid=None) -> ReferenceProposals:
    of_key = torch.arange(len(feats))[:, None] < num_key
    return ReferenceProposals(
        feats={},
        embeddings=made.embeddings(feats),
        bboxes=places.masked_fill(~of_key, torch.nan),
        places=places,
        valid=torch.ones(len(feats), dtype=torch.bool) if valid is None else valid,
    )


def by_loops(made, feats, bboxes, others, places, chosen):
    """With ``chosen[i]``, numbers of the references of RoI i; -1 is its own feature."""
    depth, result = DEPTH // HEADS, []
    for i, feat in enumerate(feats):
        query = made.query(feat.flatten()).tolist()
        found = []
        for head in range(HEADS):
            part = slice(head * depth, (head + 1) * depth)
            logits, values = [], []
            for j in chosen[i]:
                both = made.key_value((feat if j < 0 else others[j]).flatten()).tolist()
                key, value = both[:DEPTH][part], both[DEPTH:][part]
                product = sum(q * k for q, k in zip(query[part], key, strict=True))
                logit = product / math.sqrt(depth)
                if made.geometry is not None:
                    x1, y1, x2, y2 = bboxes[i].tolist()
                    a1, b1, a2, b2 = (bboxes[i] if j < 0 else places[j]).tolist()
                    width, height = x2 - x1, y2 - y1
                    place = [
                        max(-4, min(4, (a1 + a2 - x1 - x2) / 2 / width)),
                        max(-4, min(4, (b1 + b2 - y1 - y2) / 2 / height)),
                        math.log((a2 - a1) / width),
                        math.log((b2 - b1) / height),
                    ]
                    logit += float(made.geometry(torch.tensor(place).double())[head])
                logits.append(logit)
                values.append(value)
            weights = [math.exp(logit) for logit in logits]
            for k in range(depth):
                total = sum(w * v[k] for w, v in zip(weights, values, strict=True))
                found.append(total / sum(weights))
        added = made.output(torch.tensor(found).double())
        result.append(feat + added.view_as(feat))
    return torch.stack(result)


@pytest.mark.parametrize('geometry', [False, True])
def test_equals_loops(geometry):
    made = module(geometry=geometry)
    made.geometry = made.geometry and made.geometry.float()
    own, others = features(4, 1), features(6, 2)
    bboxes, places = boxes(4, 3), boxes(6, 4)
    result, weights = made(own, bboxes, references(made, others, places))
    if geometry:
        made.geometry = made.geometry.double()
    chosen = [[-1, *range(6)]] * 4
    expected = by_loops(made, own, bboxes, others, places, chosen)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(weights.sum(2), torch.ones(4, HEADS).double())


@pytest.mark.parametrize(
    ('members', 'of_first', 'of_second'),
    [
        # RoI 0 is reference 0, of the key frame; 3 is not valid; 2 and 4 are of others.
        ('all', [-1, 1, 2, 4], [-1, 0, 1, 2, 4]),
        ('own', [-1], [-1]),
        ('key', [-1, 1], [-1, 0, 1]),
        ('others', [2, 4], [2, 4]),
    ],
)
def test_who_takes_part(members, of_first, of_second):
    made = module(members=members)
    own, others, places = features(2, 1), features(5, 2), boxes(5, 4)
    bboxes = torch.stack([places[0], places[0] + 1])
    valid = torch.tensor([True, True, True, False, True])
    given = references(made, others, places, num_key=2, valid=valid)
    result, weights = made(own, bboxes, given)
    expected = by_loops(made, own, bboxes, others, places, [of_first, of_second])
    torch.testing.assert_close(result, expected)
    for row, chosen in zip(weights, (of_first, of_second), strict=True):
        used = (row > 0).all(0).nonzero().squeeze(1) - 1
        assert used.tolist() == chosen
    own_share, key, other = shares(weights, given).tolist()
    assert own_share == pytest.approx(weights[:, :, 0].mean().item())
    assert key == pytest.approx(weights[:, :, 1:3].sum(2).mean().item())
    assert own_share + key + other == pytest.approx(1)


def test_of_other_frames_without_any_the_own_feature_is_left():
    made = module(members='others')
    own, places = features(2, 1), boxes(3, 4)
    given = references(made, features(3, 2), places, num_key=3)
    _, weights = made(own, boxes(2, 3), given)
    assert (weights[:, :, 0] == 1).all() and not weights[:, :, 1:].any()


@pytest.mark.parametrize('geometry', [False, True])
def test_at_the_first_step_nothing_is_added(geometry):
    made = FCFeatureAugmentation(CHANNELS, SIDE, DEPTH, HEADS, geometry)
    made.init_weights()
    own, others = features(4, 1).float(), features(6, 2).float()
    given = references(made, others, boxes(6, 4).float())
    result, _ = made(own, boxes(4, 3).float(), given)
    assert torch.equal(result, own)
    result.square().sum().backward()
    assert made.output.weight.grad.any()


@pytest.mark.parametrize(('rois', 'count'), [(0, 3), (3, 0), (0, 0)])
def test_every_parameter_has_a_gradient_however_few_there_are(rois, count):
    made = module(geometry=True).float()
    given = references(made, features(count, 2).float(), boxes(count, 4).float())
    result, _ = made(features(rois, 1).float(), boxes(rois, 3).float(), given)
    assert result.shape == (rois, CHANNELS, SIDE, SIDE)
    (result.sum() + given.embeddings.sum() * 0).backward()
    assert all(
        p.grad is not None and p.grad.isfinite().all() for p in made.parameters()
    )


def test_heads_that_cannot_share_are_refused():
    with pytest.raises(ValueError, match=r'embed_channels, 10, .* num_heads, 4'):
        FCFeatureAugmentation(embed_channels=10, num_heads=4)
