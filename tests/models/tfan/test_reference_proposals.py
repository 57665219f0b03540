"""The choice of references against plain lists."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.models.tfan.reference_proposals import ReferenceMemory, select_references


def proposals(count: int, seed: int) -> InstanceData:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 50
    scores = torch.rand(count, generator=generator).sort(descending=True).values
    return InstanceData(bboxes=torch.cat([corner, corner + 20], dim=1), scores=scores)


def clip_proposals(counts):
    """Of each frame of a clip, of each clip."""
    return [
        [proposals(count, seed=10 * t + b) for b, count in enumerate(row)]
        for t, row in enumerate(counts)
    ]


@pytest.mark.parametrize('num_references', [1, 7, 100])
def test_training_takes_the_best_of_each_clip(num_references):
    counts = [(5, 0), (3, 6), (0, 4)]
    made = clip_proposals(counts)
    selected = select_references(made, num_references)
    rows = list(
        zip(selected.rois.tolist(), selected.key_bboxes.isnan().tolist(), strict=True)
    )
    start = 0
    for clip, count in enumerate(selected.counts):
        candidates = [
            (score, t, bbox)
            for t in range(3)
            for score, bbox in zip(
                made[t][clip].scores.tolist(),
                made[t][clip].bboxes.tolist(),
                strict=True,
            )
        ]
        best = sorted(candidates, reverse=True)[:num_references]
        assert count == len(best) == min(num_references, sum(r[clip] for r in counts))
        for (_, t, bbox), (roi, other) in zip(
            best, rows[start : start + count], strict=True
        ):
            assert roi == [2 * t + clip, *bbox]
            assert other == [t != 0] * 4
        start += count
    assert start == len(rows)


def test_training_without_any_proposal():
    selected = select_references(clip_proposals([(0, 0), (0, 0)]), 5)
    assert selected.counts == [0, 0]
    assert selected.rois.shape == (0, 5)


def observed(count: int, seed: int) -> dict:
    """A frame's proposals; the features repeat the score, to tell rows apart."""
    made = proposals(count, seed)
    return dict(
        scores=made.scores,
        bboxes=made.bboxes,
        embeddings=made.scores[:, None].expand(-1, 3),
        feats={7: made.scores.view(-1, 1, 1, 1).expand(-1, 2, 7, 7)},
    )


def rows_of(selected) -> list[tuple[float, bool]]:
    """Score and whether it is the key frame's, of each valid reference, sorted."""
    scores = selected.embeddings[:, 0]
    torch.testing.assert_close(selected.feats[7][:, 1, 3, 3], scores)
    mine = ~selected.bboxes.isnan().any(1)
    pairs = zip(
        scores[selected.valid].tolist(), mine[selected.valid].tolist(), strict=True
    )
    return sorted(pairs)


@pytest.mark.parametrize('num_references', [4, 9, 50])
def test_memory_gives_the_best_of_the_last_frames(num_references):
    counts = [4, 0, 2, 5, 1, 0, 0, 0, 5]
    memory, slots = ReferenceMemory(num_slots=3, slot_size=5), 3
    frames = [observed(count, seed) for seed, count in enumerate(counts)]
    for t, frame in enumerate(frames):
        memory.write(t % slots, **frame)
        wanted = sorted(
            (
                (score, u == t)
                for u in range(max(0, t - slots + 1), t + 1)
                for score in frames[u]['scores'].tolist()
            ),
            reverse=True,
        )[:num_references]
        assert rows_of(memory.select(num_references, t % slots)) == sorted(wanted)


def test_a_cleared_slot_is_left_out():
    memory = ReferenceMemory(num_slots=2, slot_size=4)
    memory.clear(0)
    frames = [observed(3, seed=1), observed(2, seed=2)]
    for slot, frame in enumerate(frames):
        memory.write(slot, **frame)
    memory.clear(0)
    assert rows_of(memory.select(8, 1)) == sorted(
        (score, True) for score in frames[1]['scores'].tolist()
    )


def test_the_memory_does_not_grow_and_what_was_selected_stays():
    memory = ReferenceMemory(num_slots=2, slot_size=4)
    memory.write(0, **observed(4, seed=1))
    selected = memory.select(4, 0)
    before = rows_of(selected)
    sizes = set()
    for t in range(1, 6):
        memory.write(t % 2, **observed(4, seed=t + 1))
        sizes.add(memory.num_bytes)
    # Eight rows of a score, four numbers, three of an embedding, and features.
    assert sizes == {8 * 4 * (1 + 4 + 3 + 2 * 7 * 7)}
    assert rows_of(selected) == before


def test_references_above_a_score():
    memory = ReferenceMemory(num_slots=2, slot_size=3)
    for slot, scores in enumerate([[0.9, 0.4, 0.1], [0.8, 0.2]]):
        new = observed(len(scores), seed=slot) | {'scores': torch.tensor(scores)}
        memory.write(slot, **new)
    selected = memory.select(5, key_slot=1, min_score=0.2)
    everything = memory.select(5, key_slot=1)
    assert selected.valid.sum() == 4 and everything.valid.sum() == 5
    assert len(selected.valid) == 5
    kept = {tuple(box) for box in selected.places[selected.valid].tolist()}
    assert kept < {tuple(box) for box in everything.places[everything.valid].tolist()}
