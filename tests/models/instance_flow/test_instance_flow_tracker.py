"""The matching by distances against plain loops; votes, scores, memory."""

import copy
import math
import weakref

import pytest
import torch
from tracked_instances import instances

from mmvis.models.instance_flow.reference_frames import ReferenceFrame
from mmvis.models.instance_flow.tracker import InstanceFlowTracker
from mmvis.registry import MODELS


def run(tracker, frames, memory=None):
    """Ids of frames, which are given as rows of distances to each of the ids."""
    memory, found = memory or tracker.init_memory(), []
    for rows in frames:
        table = torch.tensor(rows).view(len(rows), -1)
        distances = [table[:, reference.ids] for reference in memory.references]
        result = tracker.track(instances(len(rows)), distances, memory, len(found))
        found.append(result.instances_id.tolist())
    return found


def plain_references(count, shown):
    """Numbers of the reference frames, as Table III words it.

    The first frame is the first of those that show something.
    """
    frame_id = len(shown)
    adjacent = range(max(frame_id - max(count - 1, 1), 0), frame_id)
    first = [k for k in range(frame_id) if shown[k]][:1] if count > 1 else []
    return sorted({*first, *adjacent})


def plain_match(num, references, distances, epsilon):
    """The closest pair of instance and track first; {instance: id}."""
    pairs = [
        (matrix[m][n], m, track)
        for (_, ids), matrix in zip(references, distances, strict=True)
        for m in range(num)
        for n, track in enumerate(ids)
        if math.isfinite(matrix[m][n]) and matrix[m][n] < epsilon
    ]
    matches = {}
    for _, m, track in sorted(pairs):
        if m not in matches and track not in matches.values():
            matches[m] = track
    return matches


@pytest.mark.parametrize('count', range(1, 6))
@pytest.mark.parametrize('odd', [0.0, 0.05])
def test_equals_a_plain_loop(count, odd):
    generator = torch.Generator().manual_seed(count)
    tracker = MODELS.build(
        dict(type='InstanceFlowTracker', num_references=count, epsilon=5.0)
    )
    memory, history, next_id, seen = tracker.init_memory(), [], 0, 0
    for frame_id in range(40):
        num = int(torch.randint(0, 5, (1,), generator=generator))
        seen += num
        references = [(k, history[k]) for k in plain_references(count, history)]
        references = [(k, ids) for k, ids in references if ids]
        assert [r.frame_id for r in memory.references] == [k for k, _ in references]
        distances = []
        for _, ids in references:
            # Whole numbers: many are equal.
            matrix = torch.randint(0, 9, (num, len(ids)), generator=generator).float()
            spoilt = torch.rand(matrix.shape, generator=generator) < odd
            matrix[spoilt] = [math.nan, math.inf][frame_id % 2]
            distances.append(matrix)
        dets = instances(num)
        result = tracker.track(dets, distances, memory, frame_id)
        assert 'instances_id' not in dets
        lists = [matrix.tolist() for matrix in distances]
        matches = plain_match(num, references, lists, 5.0)
        wanted = []
        for m in range(num):
            if m not in matches:
                matches[m], next_id = next_id, next_id + 1
            wanted.append(matches[m])
        assert result.instances_id.tolist() == wanted
        assert result.instances_id.dtype == torch.int64
        assert memory.next_id == next_id
        history.append(wanted)
    # It did match, and it did refuse.
    assert 0.1 * seen < next_id < 0.9 * seen


def test_the_closer_rival_wins_and_the_other_takes_what_is_left():
    tracker = InstanceFlowTracker(num_references=1, epsilon=10.0)
    first = [[99.0, 99.0]] * 2
    for rows, wanted in (
        ([[2.0, 8.0], [1.0, 3.0]], [1, 0]),
        ([[2.0, 11.0], [1.0, 3.0]], [2, 0]),
        # The third is closer to what the second wanted next.
        ([[1.0, 50.0], [2.0, 4.0], [50.0, 3.0]], [0, 2, 1]),
        ([[2.0, 50.0], [2.0, 50.0]], [0, 2]),
        # Its best is the older of two equals.
        ([[2.0, 2.0]], [0]),
    ):
        assert run(tracker, [first, rows]) == [[0, 1], wanted]


@pytest.mark.parametrize(('distance', 'wanted'), [(9.9, 0), (10.0, 1), (1e30, 1)])
def test_epsilon_itself_is_too_far(distance, wanted):
    tracker = InstanceFlowTracker(epsilon=10.0)
    assert run(tracker, [[[0.0]], [[distance]]]) == [[0], [wanted]]


def test_the_closest_of_several_references_decides():
    tracker = InstanceFlowTracker(epsilon=10.0)
    memory = tracker.init_memory()
    run(tracker, [[[99.0, 99.0]] * 2, [[1.0, 99.0], [99.0, 1.0]]], memory)
    assert [reference.ids.tolist() for reference in memory.references] == [[0, 1]] * 2
    distances = [torch.tensor([[9.0, 1.0]]), torch.tensor([[2.0, 3.0]])]
    result = tracker.track(instances(1), distances, memory, 2)
    assert result.instances_id.tolist() == [1]


def test_the_order_of_instances_does_not_change_the_tracks():
    generator = torch.Generator().manual_seed(0)
    tracker = InstanceFlowTracker(num_references=3, epsilon=0.4)
    memories, names = (tracker.init_memory(), tracker.init_memory()), {}
    for frame_id in range(30):
        order = torch.randperm(5, generator=generator)
        first = [
            torch.rand(5, len(reference.ids), generator=generator)
            for reference in memories[0].references
        ]
        second = []
        for matrix, *pair in zip(
            first, *(memory.references for memory in memories), strict=True
        ):
            there = [names[i] for i in pair[0].ids.tolist()]
            columns = [there.index(i) for i in pair[1].ids.tolist()]
            second.append(matrix[order][:, columns])
        ids = [
            tracker.track(instances(5), distances, memory, frame_id).instances_id
            for distances, memory in zip((first, second), memories, strict=True)
        ]
        for a, b in zip(ids[0][order].tolist(), ids[1].tolist(), strict=True):
            assert names.setdefault(a, b) == b
    assert len(set(names.values())) == len(names)


def test_the_first_frame_is_the_first_that_shows_something():
    memory = InstanceFlowTracker(num_references=3).init_memory()
    kept = []
    for t, count in enumerate([0, 0, 2, 1, 0, 1, 1]):
        frame = ReferenceFrame(t, torch.zeros(count, 2), torch.arange(count))
        memory.add(frame, torch.zeros(count, 2))
        kept.append([frame.frame_id for frame in memory.frames])
    assert kept == [[0], [0, 1], [1, 2], [2, 3], [2, 3, 4], [2, 4, 5], [2, 5, 6]]


@pytest.mark.parametrize('count', [1, 2, 4])
def test_memory_does_not_grow_with_the_video(count):
    """Every frame has two instances, which are new in two frames of three."""
    tracker = InstanceFlowTracker(num_references=count, epsilon=10.0)
    memory, features = tracker.init_memory(), []
    for frame_id in range(30):
        distances = [
            torch.full((2, 2), 99.0).fill_diagonal_(1.0 if frame_id % 3 else 50.0)
            for _ in memory.references
        ]
        frame = torch.zeros(3)
        features.append(weakref.ref(frame))
        tracker.track(instances(2), distances, memory, frame_id, features=frame)
        del frame
        kept = [i for i, feature in enumerate(features) if feature() is not None]
        assert kept == plain_references(count, [2] * (frame_id + 1))
        ids = {i for reference in memory.references for i in reference.ids.tolist()}
        assert memory.track_ids.tolist() == sorted(ids)
        assert memory.votes.shape == (len(ids), 2)
    assert memory.next_id > 10


def test_features_of_empty_frames_are_not_kept():
    tracker = InstanceFlowTracker()
    memory = tracker.init_memory()
    tracker.track(instances(0), [], memory, 0, features='nothing to match')
    assert memory.references == []
    assert memory.frames[0].features is None
    tracker.track(instances(1), [], memory, 1, features='something')
    assert [reference.features for reference in memory.references] == ['something']


def test_frames_of_another_size():
    tracker = InstanceFlowTracker(num_references=2)
    memory = tracker.init_memory()
    dets = instances(1, centers=[[10.0, 20.0]])
    tracker.track(dets, [], memory, 0)
    # The first frame is the latest one, too: its places change once.
    memory.rescale(2.0, 0.5)
    assert memory.references[0].centers.tolist() == [[20.0, 10.0]]
    tracker.track(dets, [torch.zeros(1, 1)], memory, 1)
    memory.rescale(2.0, 0.5)
    centers = [reference.centers.tolist() for reference in memory.references]
    assert centers == [[[40.0, 5.0]], [[20.0, 10.0]]]
    assert dets.centers.tolist() == [[10.0, 20.0]]


def test_a_copy_of_the_tracker_goes_on_with_a_copy_of_the_memory():
    tracker = InstanceFlowTracker()
    memory = tracker.init_memory()
    run(tracker, [[[0.0]]], memory)
    for a, b in (
        (tracker, copy.deepcopy(memory)),
        (copy.deepcopy(tracker), memory),
    ):
        result = a.track(instances(1), [torch.tensor([[1.0]])], b, 1)
        assert result.instances_id.tolist() == [0]


def test_half_precision_and_gradients_may_come_in():
    tracker = InstanceFlowTracker()
    memory = tracker.init_memory()
    for frame_id in range(2):
        dets = instances(2)
        dets.centers.requires_grad_()
        dets.class_scores.requires_grad_()
        distances = [
            torch.tensor([[0.0, 99.0], [99.0, 0.0]]).bfloat16().requires_grad_()
            for _ in memory.references
        ]
        with torch.autocast('cpu', torch.bfloat16):
            result = tracker.track(dets, distances, memory, frame_id)
        assert result.instances_id.tolist() == [0, 1]
    assert not memory.votes.requires_grad
    assert not memory.references[0].centers.requires_grad
    torch.testing.assert_close(memory.votes, torch.tensor([[1.2, 0.8]] * 2))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(num_references=0), 'num_references must be positive'),
        (dict(epsilon=0.0), 'epsilon must be positive'),
        (dict(epsilon=math.nan), 'epsilon must be positive'),
        (dict(score='centre'), "score must be one of .*'center'"),
    ],
)
def test_settings_that_are_none_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        InstanceFlowTracker(**settings)
