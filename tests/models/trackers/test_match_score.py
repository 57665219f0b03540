"""Match scores against eq. 15 in loops and numbers of the released implementation."""

import math

import numpy as np
import pytest
import torch
from fixtures.stmask_fixtures import load
from mmengine.structures import InstanceData
from random_detections import draw

from mmvis.models.trackers import match_score
from mmvis.models.trackers.match_score import MatchWeights, mask_ious, match_scores


def box_iou(a, b) -> float:
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return w * h / (sum(area) - w * h)


def set_iou(a, b) -> float:
    first, second = (
        {(y, x) for y, row in enumerate(m.tolist()) for x, v in enumerate(row) if v > t}
        for m, t in ((a, 0.5), (b, 0.5))
    )
    return len(first & second) / len(first | second) if first | second else 0.0


def similarity_in_loops(kind, embedding, others) -> list[float]:
    """[of "new", of each track]."""
    dots = [sum(p * q for p, q in zip(embedding, o, strict=True)) for o in others]
    if kind == 'softmax':
        total = math.log(1 + sum(math.exp(d) for d in dots))
        return [-total] + [d - total for d in dots]
    cosines = [
        d / math.hypot(*embedding) / math.hypot(*o)
        for d, o in zip(dots, others, strict=True)
    ]
    if kind == 'half_cosine':
        cosines = [(c + 1) / 2 for c in cosines]
    return [0.0, *cosines]


@pytest.mark.parametrize('kind', ['cosine', 'half_cosine', 'softmax'])
def test_equals_equation_15_in_loops(kind):
    generator = torch.Generator().manual_seed(1)
    dets, tracks = draw(5, generator), draw(4, generator)
    weights = MatchWeights(
        embedding=0.7, mask_iou=1.3, bbox_iou=0.4, score=0.6, label=0.25
    )
    result = match_scores(dets, dict(tracks.items()), weights, kind, epsilon=0.9)
    assert result.shape == (5, 5)
    for i in range(5):
        terms = similarity_in_loops(
            kind, dets.embeddings[i].tolist(), tracks.embeddings.tolist()
        )
        score = float(dets.scores[i])
        shared = 0.6 * (math.log(score) if kind == 'softmax' else score)
        assert float(result[i, 0]) == pytest.approx(
            0.7 * terms[0] + 0.9 + shared, abs=1e-5
        )
        for j in range(4):
            wanted = 0.7 * terms[1 + j] + shared
            wanted += 1.3 * set_iou(dets.masks[i], tracks.masks[j])
            wanted += 0.4 * box_iou(dets.bboxes[i].tolist(), tracks.bboxes[j].tolist())
            wanted += 0.25 * bool(dets.labels[i] == tracks.labels[j])
            assert float(result[i, 1 + j]) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ('name', 'weights'),
    [
        ('comp_0_1_2_0', dict(mask_iou=1.0, bbox_iou=2.0)),
        ('comp_05_07_03_1', dict(score=0.5, mask_iou=0.7, bbox_iou=0.3, label=1.0)),
    ],
)
def test_equals_the_released_scores(name, weights, monkeypatch):
    stored = load('unit/comp_scores')
    cosine = 2 * stored['match_ll_with_dummy'].astype(np.float64)[:, 1:] - 1
    # The release's dummy column: each term as if its cue were 0.5, 0.3, 0.3 and 1.
    epsilon = 0.5 + 0.3 * (weights['mask_iou'] + weights['bbox_iou'])
    epsilon += weights.get('label', 0.0)
    for (i, j), c in np.ndenumerate(cosine):
        x = float(stored['bbox_iou'][i, j])
        iou = torch.tensor(stored['mask_iou'][i, j]).reshape(1, 1)
        monkeypatch.setattr(match_score, 'mask_ious', lambda *_, iou=iou: iou)
        det = InstanceData(
            embeddings=torch.tensor([[c, math.sqrt(max(0.0, 1 - c * c))]]).float(),
            bboxes=torch.tensor([[0.0, 0.0, x, 1.0]]),
            scores=torch.tensor(stored['det_score'][i]),
            labels=torch.tensor([1]),
            masks=torch.zeros(1, 1, 1),
        )
        track = dict(
            embeddings=torch.tensor([[1.0, 0.0]]),
            bboxes=torch.tensor([[0.0, 0.0, 1.0, 1.0]]),
            labels=torch.tensor([int(stored['label_delta'][i, j])]),
            masks=torch.zeros(1, 1, 1),
        )
        weights_ = MatchWeights(**{'mask_iou': 0.0, **weights})
        result = match_scores(det, track, weights_, 'half_cosine', epsilon)[0]
        wanted = stored[name][i, [0, 1 + j]]
        assert result.tolist() == pytest.approx(wanted.tolist(), abs=2e-5)


def test_mask_iou_equals_the_released_one():
    stored = load('unit/masks')
    first, second = (torch.from_numpy(stored[k]) for k in ('bin_a', 'bin_b'))
    wanted = torch.from_numpy(stored['mask_iou_ab'])
    torch.testing.assert_close(mask_ious(first.bool(), second.bool()), wanted)
    # Soft masks count where they exceed one half, and no sooner.
    soft = first * 0.3 + 0.5, second * 0.01 + 0.5
    torch.testing.assert_close(mask_ious(*soft), wanted)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_does_not_round(dtype):
    generator = torch.Generator().manual_seed(3)
    dets, tracks = (draw(3, generator, size=(60, 100)) for _ in range(2))
    arguments = dets, dict(tracks.items()), MatchWeights(bbox_iou=1.0), 'cosine', 0.3
    wanted = match_scores(*arguments)
    with torch.autocast('cpu', dtype=dtype):
        assert torch.equal(match_scores(*arguments), wanted)


def test_empty_masks_have_no_overlap_and_empty_sides_no_rows():
    empty = torch.zeros(2, 3, 4)
    assert mask_ious(empty, empty).tolist() == [[0, 0], [0, 0]]
    assert mask_ious(empty[:0], empty).shape == (0, 2)
    assert mask_ious(empty, empty[:0]).shape == (2, 0)


@pytest.mark.parametrize('kind', ['cosine', 'half_cosine', 'softmax'])
def test_a_spoilt_track_is_never_the_best_and_spoils_no_other(kind):
    generator = torch.Generator().manual_seed(2)
    dets, tracks = draw(3, generator), dict(draw(3, generator).items())
    weights = MatchWeights(bbox_iou=1.0)
    good = {k: v[[0, 2]] for k, v in tracks.items()}
    tracks['embeddings'][1, 0] = torch.nan
    result = match_scores(dets, tracks, weights, kind, 0.3)
    assert (result[:, 2] == -torch.inf).all()
    wanted = match_scores(dets, good, weights, kind, 0.3)
    torch.testing.assert_close(result[:, [0, 1, 3]], wanted)


def test_terms_of_weight_zero_need_no_fields():
    dets = InstanceData(embeddings=torch.eye(2))
    weights = MatchWeights(mask_iou=0.0)
    result = match_scores(dets, dict(embeddings=torch.eye(2)), weights, 'cosine', 0.3)
    torch.testing.assert_close(result, torch.tensor([[0.3, 1.0, 0.0], [0.3, 0.0, 1.0]]))
