"""The tracker against eqs. 15-17 in loops, its settings and its odd inputs."""

import pytest
import torch
from mmengine.structures import InstanceData
from plain_tracker import plain_track
from random_detections import draw

from mmvis.models.masktrack_rcnn.tracker import MaskTrackRCNNTracker
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.registry import MODELS

POLICIES = ['drop', 'next_best', 'new_id', 'optimal']


@pytest.mark.parametrize('seed', range(5))
def test_equals_equations_15_to_17_in_loops(seed):
    generator = torch.Generator().manual_seed(seed)
    limits = dict(num_frames=3, score_decay=0.7, min_mask_area=9, min_score=0.1)
    tracker = EmbeddingMaskIoUTracker(num_frames_retain=5, supplement=limits)
    memory, tracks, next_id = tracker.init_memory(), {}, 0
    supplemented = dropped = retired = frame_id = 0
    for _ in range(25):
        # Frames may be skipped, and most tracks are seen again and again.
        frame_id += 1 + int(torch.randint(0, 4, (1,), generator=generator) == 0)
        n = int(torch.randint(0, 5, (1,), generator=generator))
        frame = draw(n, generator)
        if len(memory):
            names = memory.ids.tolist()
            moved = torch.rand(len(memory), 4, 5, generator=generator)
            tracker.propagate(memory, masks=moved)
            for name, mask in zip(names, moved, strict=True):
                tracks[name]['mask'] = mask
        alive = len(tracks)
        wanted, next_id = plain_track(frame, tracks, next_id, frame_id, 5, limits)
        result = tracker.track(frame, memory, frame_id)
        ids = [name for name, _, _ in wanted]
        assert result.instances_id.tolist() == ids
        assert result.scores.tolist() == pytest.approx([s for _, _, s in wanted])
        for mask, (_, expected, _) in zip(result.masks, wanted, strict=True):
            assert torch.equal(mask, expected)
        assert memory.next_id == next_id
        # The memory forgets those that the next frame could not find.
        soon = {k for k, t in tracks.items() if frame_id + 1 - t['seen'] <= 5}
        retired += alive > len(soon)
        tracks = {k: t for k, t in tracks.items() if k in soon}
        assert memory.ids is None or memory.ids.tolist() == sorted(tracks)
        detected = len([k for k in tracks if tracks[k]['seen'] == frame_id])
        supplemented += len(ids) - detected
        dropped += n - detected
    assert supplemented > 0 and retired > 0 and dropped > 0


@pytest.mark.parametrize('seed', range(4))
def test_with_the_settings_of_masktrack_rcnn_the_ids_are_its_own(seed):
    generator = torch.Generator().manual_seed(seed)
    other = MaskTrackRCNNTracker(num_frames_retain=4)
    tracker = MODELS.build(
        dict(
            type='EmbeddingMaskIoUTracker',
            match_weights=dict(score=1.0, mask_iou=0.0, bbox_iou=2.0, label=10.0),
            similarity='softmax',
            epsilon=10.0,
            num_frames_retain=4,
        )
    )
    memory, other_memory, frame_id = tracker.init_memory(), other.init_memory(), 0
    for _ in range(20):
        frame_id += 1 + 2 * int(torch.randint(0, 4, (1,), generator=generator) == 0)
        frame = draw(int(torch.randint(0, 6, (1,), generator=generator)), generator)
        del frame.masks, frame.coefficients
        wanted = other.track(frame, other_memory, frame_id)
        result = tracker.track(frame, memory, frame_id)
        assert torch.equal(result.instances_id, wanted.instances_id)
        assert torch.equal(result.bboxes, wanted.bboxes)
    assert memory.next_id == other_memory.next_id > 5


@pytest.mark.parametrize('winner', ['match', 'score'])
@pytest.mark.parametrize('conflict', POLICIES)
def test_the_order_of_detections_does_not_change_the_tracks(conflict, winner):
    generator = torch.Generator().manual_seed(5)
    tracker = EmbeddingMaskIoUTracker(
        conflict=conflict, winner=winner, supplement=dict(), epsilon=0.1
    )
    memories = tracker.init_memory(), tracker.init_memory()
    names: dict[int, int] = {}
    for frame_id in range(20):
        frame = draw(6, generator)
        shuffle = torch.randperm(6, generator=generator)
        first, second = (
            tracker.track(dets, memory, frame_id)
            for dets, memory in zip((frame, frame[shuffle]), memories, strict=True)
        )
        # The same rows, by their coefficients, and always the same name for a name.
        rows = {tuple(c): i for c, i in _rows(second)}
        assert len(rows) == len(first)
        for coefficients, name in _rows(first):
            assert (
                names.setdefault(name, rows[tuple(coefficients)])
                == rows[tuple(coefficients)]
            )
        assert len(set(first.instances_id.tolist())) == len(first)
    assert len(set(names.values())) == len(names)


def _rows(result):
    return zip(result.coefficients.tolist(), result.instances_id.tolist(), strict=True)


def test_a_lost_track_is_reported_while_it_lasts_and_keeps_its_id():
    tracker = EmbeddingMaskIoUTracker(supplement=dict(num_frames=2, score_decay=0.5))
    memory = tracker.init_memory()
    frame = draw(1, torch.Generator().manual_seed(0))
    frame.scores[:], frame.masks[:] = 0.8, 1.0
    tracker.track(frame, memory, 0)
    for frame_id, wanted in ((1, [0.4]), (2, [0.2]), (3, [])):
        result = tracker.track(frame[:0], memory, frame_id)
        assert result.scores.tolist() == pytest.approx(wanted)
    result = tracker.track(frame, memory, 4)
    assert result.instances_id.tolist() == [0]
    assert result.scores.tolist() == pytest.approx([0.8])


def test_a_forgotten_track_is_not_supplemented_after_a_gap_in_the_frames():
    frame = draw(1, torch.Generator().manual_seed(0))
    frame.scores[:] = 1.0
    for retain, count in ((4, 0), (5, 1), (None, 1)):
        tracker = EmbeddingMaskIoUTracker(num_frames_retain=retain, supplement=dict())
        memory = tracker.init_memory()
        tracker.track(frame, memory, 0)
        assert len(tracker.track(frame[:0], memory, 5)) == count


def test_detections_below_the_limits_are_remembered_but_not_reported():
    tracker = EmbeddingMaskIoUTracker(min_score=0.5, min_mask_area=3)
    memory = tracker.init_memory()
    frame = draw(3, torch.Generator().manual_seed(0))
    frame.scores[:] = torch.tensor([0.5, 0.6, 0.6])
    frame.masks[:] = 0.0
    frame.masks[:2, 0, :3] = frame.masks[2, 0, :2] = 1.0
    assert tracker.track(frame, memory, 0).instances_id.tolist() == [1]
    assert memory.ids.tolist() == [0, 1, 2]


@pytest.mark.parametrize('conflict', POLICIES)
@pytest.mark.parametrize('name', ['scores', 'embeddings', 'bboxes'])
def test_what_is_not_a_number_gets_no_id_and_takes_none(name, conflict):
    tracker = EmbeddingMaskIoUTracker(
        conflict=conflict, winner='score', match_weights=dict(bbox_iou=1.0)
    )
    memory = tracker.init_memory()
    frame = draw(3, torch.Generator().manual_seed(0))
    twice = InstanceData.cat([frame, frame])
    for frame_id in range(3):
        if frame_id == 2:
            # As a memory may be after a diverged propagation.
            boxes = memory['bboxes'].clone()
            boxes[1] = torch.nan
            tracker.propagate(memory, bboxes=boxes)
        dets = twice.clone()
        getattr(dets, name)[:3] = torch.nan
        result = tracker.track(dets, memory, frame_id)
        wanted = [0, 1, 2] if frame_id < 2 else [0, 3, 2]
        assert result.instances_id.tolist() == wanted
        assert torch.equal(result.coefficients, frame.coefficients)
        for value in memory.fields.values():
            assert frame_id == 2 or value.isfinite().all()


def test_masks_of_another_size_have_no_overlap_with_the_remembered():
    weights = dict(embedding=0.0, mask_iou=1.0)
    tracker = EmbeddingMaskIoUTracker(weights, supplement=dict())
    memory = tracker.init_memory()
    generator = torch.Generator().manual_seed(0)
    small, large = draw(2, generator), draw(1, generator, size=(6, 7))
    assert tracker.track(small, memory, 0).instances_id.tolist() == [0, 1]
    result = tracker.track(large, memory, 1)
    # Empty masks are too small to supplement.
    assert result.instances_id.tolist() == [2]
    assert result.masks.shape == (1, 6, 7)
    assert memory['masks'][:2].sum() == 0
    # Propagated to the new size, they count again.
    tracker.propagate(memory, masks=large.masks.expand(3, 6, 7).clone())
    result = tracker.track(large, memory, 2)
    assert sorted(result.instances_id.tolist()) == [0, 1, 2]


def test_none_retires_nothing():
    tracker = EmbeddingMaskIoUTracker(num_frames_retain=None)
    memory = tracker.init_memory()
    frame = draw(1, torch.Generator().manual_seed(0))
    tracker.track(frame, memory, 0)
    tracker.track(frame[:0], memory, 10**6)
    memory.retire(10**9)
    result = tracker.track(frame, memory, 2 * 10**6)
    assert result.instances_id.tolist() == [0]


def test_embeddings_of_a_track_are_averaged_over_its_frames():
    tracker = EmbeddingMaskIoUTracker(
        match_weights=dict(embedding=0, mask_iou=0, label=1), embedding_momentum=0.25
    )
    memory = tracker.init_memory()
    generator = torch.Generator().manual_seed(0)
    seen = torch.randn(4, 2, 3, generator=generator)
    for t, embeddings in enumerate(seen):
        frame = draw(2, generator)
        # The second frame lacks one of the two, the labels say which is which.
        frame.labels, frame.embeddings = torch.tensor([0, 1]), embeddings
        order = [1] if t == 1 else [1, 0]
        tracker.track(frame[order], memory, t)
    first, *later = seen[:, 0]
    for embedding in later[1:]:
        first = 0.75 * first + 0.25 * embedding
    second, *later = seen[:, 1]
    for embedding in later:
        second = 0.75 * second + 0.25 * embedding
    # The track that began first is of label 1.
    torch.testing.assert_close(memory['embeddings'], torch.stack([second, first]))


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        (dict(embedding_momentum=0), 'embedding_momentum .*but is 0'),
        (dict(similarity='dot'), "similarity must be one of .*'dot'"),
        (dict(conflict='first'), "conflict must be one of .*'first'"),
        (dict(winner='best'), "winner must be one of .*'best'"),
    ],
)
def test_an_unknown_choice_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        EmbeddingMaskIoUTracker(**settings)


def test_fields_that_do_not_fit_are_named():
    tracker = EmbeddingMaskIoUTracker()
    memory = tracker.init_memory()
    frame = draw(2, torch.Generator().manual_seed(0))
    tracker.track(frame, memory, 0)
    with pytest.raises(ValueError, match="'colours' is not a remembered field"):
        tracker.propagate(memory, colours=torch.zeros(2))
    with pytest.raises(ValueError, match="'bboxes' has 3 rows for 2 living tracks"):
        tracker.propagate(memory, bboxes=torch.zeros(3, 4))
    del frame.coefficients
    with pytest.raises(ValueError, match='same fields in every frame'):
        tracker.track(frame, memory, 1)
