"""The tracker against the paper's words in a plain loop, and in scenes made up."""

import math

import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.models.sg_net.centerness_tracker import CenternessTracker
from mmvis.registry import MODELS


def detections(centers, movements, scores=None, labels=None, size=(4.0, 4.0)):
    """Boxes of one size around their centres."""
    centers = torch.tensor(centers, dtype=torch.float).view(-1, 2)
    n, half = len(centers), torch.tensor(size) / 2
    return InstanceData(
        bboxes=torch.cat([centers - half, centers + half], 1),
        centers=centers,
        movements=torch.tensor(movements, dtype=torch.float).view(-1, 2),
        scores=torch.linspace(0.9, 0.5, n) if scores is None else torch.tensor(scores),
        labels=torch.tensor(labels or [0] * n, dtype=torch.long),
    )


def draw(n, generator, odd=0.0):
    """On a grid of whole pixels and few scores, so that there are many ties."""

    def whole(low, high, *size):
        return torch.randint(low, high, size, generator=generator).float()

    corner, size = whole(0, 12, n, 2), whole(0, 9, n, 2)
    dets = InstanceData(
        bboxes=torch.cat([corner, corner + size], 1),
        centers=corner + (size / 2).floor(),
        movements=whole(-2, 3, n, 2),
        scores=whole(0, 4, n) / 4,
        labels=whole(0, 2, n).long(),
        masks=torch.rand(n, 2, 3, generator=generator),
    )
    for name in ('bboxes', 'centers', 'movements', 'scores'):
        for value in (math.nan, math.inf):
            spoilt = torch.rand(dets[name].shape, generator=generator) < odd
            dets[name][spoilt] = value
    return dets


def plain_track(dets, tracks, next_id, frame_id, retain, radius, match_label):
    """One frame in a loop over detections and tracks: ids and the next id."""
    rows = [v.tolist() for v in (dets.bboxes, dets.centers, dets.movements)]
    scores, labels = dets.scores.tolist(), dets.labels.tolist()
    for name in [k for k, t in tracks.items() if frame_id - t[2] > retain]:
        del tracks[name]
    order = sorted(
        range(len(dets)), key=lambda i: -math.inf if scores[i] != scores[i] else
        scores[i], reverse=True,
    )  # fmt: skip
    ids = {}
    for i in order:
        box, center, movement = (row[i] for row in rows)
        closest, least = None, math.inf
        for name in sorted(set(tracks) - set(ids.values())):
            place, label, _ = tracks[name]
            distance = math.dist(
                (center[0] - movement[0], center[1] - movement[1]), place
            )
            reach = radius * (box[2] - box[0] + box[3] - box[1]) / 2
            if (
                distance < least
                and distance < reach
                and all(map(math.isfinite, box))
                and (label == labels[i] or not match_label)
            ):
                closest, least = name, distance
        if closest is not None:
            ids[i] = closest
    for i in range(len(dets)):
        if i not in ids:
            ids[i], next_id = next_id, next_id + 1
        tracks[ids[i]] = (rows[1][i], labels[i], frame_id)
    return [ids[i] for i in range(len(dets))], next_id


@pytest.mark.parametrize('match_label', [False, True])
@pytest.mark.parametrize('odd', [0.0, 0.02])
@pytest.mark.parametrize('seed', range(4))
def test_equals_a_plain_loop(seed, odd, match_label):
    generator = torch.Generator().manual_seed(seed)
    settings = dict(radius=[1.0, 0.75][seed % 2], match_label=match_label)
    tracker = MODELS.build(
        dict(type='CenternessTracker', num_frames_retain=3, **settings)
    )
    memory, tracks, next_id, frame_id, detected = tracker.init_memory(), {}, 0, 0, 0
    for _ in range(40):
        frame_id += 1 + 2 * int(torch.randint(0, 5, (1,), generator=generator) == 0)
        n = int(torch.randint(0, 9, (1,), generator=generator))
        dets = draw(n, generator, odd)
        detected += n
        wanted, next_id = plain_track(dets, tracks, next_id, frame_id, 3, **settings)
        result = tracker.track(dets, memory, frame_id)
        assert result.instances_id.tolist() == wanted
        assert result.instances_id.dtype == torch.int64
        assert 'instances_id' not in dets
        for name, value in dets.items():
            assert result[name] is value
        assert memory.next_id == next_id
        assert memory.fields.keys() <= {'centers', 'labels'}
        if len(memory):
            alive = {k for k, t in tracks.items() if frame_id - t[2] <= 3}
            assert memory.ids.tolist() == sorted(alive)
    # It did match, and it did refuse.
    assert 0.1 * detected < next_id < 0.9 * detected


def test_one_centre_but_two_movements():
    """Figure 6: boxes that share a centre are told apart by where they come from."""
    tracker = CenternessTracker()
    for movements, wanted in (([[3, 0], [-3, 0]], [0, 1]), ([[-3, 0], [3, 0]], [1, 0])):
        memory = tracker.init_memory()
        tracker.track(detections([[-3, 0], [3, 0]], [[0, 0]] * 2), memory, 0)
        meeting = detections([[0, 0], [0, 0]], movements, size=(8.0, 4.0))
        assert tracker.track(meeting, memory, 1).instances_id.tolist() == wanted


@pytest.mark.parametrize('known', [True, False])
def test_objects_that_cross_keep_their_ids_by_their_movements(known):
    tracker = CenternessTracker()
    memory, found = tracker.init_memory(), []
    for frame_id in range(11):
        x = 2.0 * frame_id
        centers, steps = [[x, 0.0], [19 - x, 1.0]], [[2.0, 0.0], [-2.0, 0.0]]
        if not known:
            steps = [[0.0, 0.0]] * 2
        result = tracker.track(detections(centers, steps), memory, frame_id)
        found.append(result.instances_id.tolist())
    if known:
        assert found == [[0, 1]] * 11
    else:
        # Just after they cross, the other's place is closer.
        assert found == [[0, 1]] * 5 + [[1, 0]] * 6


@pytest.mark.parametrize(('gap', 'wanted'), [(1, 0), (3, 0), (4, 1)])
def test_an_object_that_returns_in_time_keeps_its_id(gap, wanted):
    tracker = CenternessTracker(num_frames_retain=3)
    memory = tracker.init_memory()
    tracker.track(detections([[5, 5]], [[0, 0]]), memory, 7)
    for frame_id in range(8, 7 + gap):
        empty = tracker.track(detections([], []), memory, frame_id)
        assert empty.instances_id.shape == (0,)
        assert empty.instances_id.dtype == torch.int64
    result = tracker.track(detections([[6, 5]], [[0, 0]]), memory, 7 + gap)
    assert result.instances_id.tolist() == [wanted]


def test_none_retires_nothing():
    tracker = CenternessTracker(num_frames_retain=None)
    memory = tracker.init_memory()
    tracker.track(detections([[5, 5]], [[0, 0]]), memory, 0)
    result = tracker.track(detections([[5, 5]], [[0, 0]]), memory, 10**6)
    assert result.instances_id.tolist() == [0]


@pytest.mark.parametrize(
    ('size', 'radius', 'wanted'),
    [
        # The previous place is 5 pixels away: 3 and 4.
        ((4.0, 6.0), 1.0, 1),
        ((4.0, 6.5), 1.0, 0),
        ((10.0, 0.0), 1.0, 1),
        ((10.5, 0.0), 1.0, 0),
        ((2.0, 2.0), 2.5, 1),
        ((2.0, 2.5), 2.5, 0),
        ((0.0, 0.0), 1.0, 1),
    ],
)
def test_the_radius_is_the_mean_of_width_and_height_and_is_itself_outside(
    size, radius, wanted
):
    tracker = CenternessTracker(radius=radius)
    memory = tracker.init_memory()
    tracker.track(detections([[10, 10]], [[0, 0]], size=(90.0, 90.0)), memory, 0)
    frame = detections([[12, 17]], [[-1, 3]], size=size)
    assert tracker.track(frame, memory, 1).instances_id.tolist() == [wanted]


def test_the_better_detection_takes_the_track_although_it_is_farther():
    tracker = CenternessTracker()
    memory = tracker.init_memory()
    tracker.track(detections([[0, 0], [3, 0]], [[0, 0]] * 2), memory, 0)
    frame = detections([[0, 0], [1, 0], [2, 0]], [[0, 0]] * 3, scores=[0.5, 0.9, 0.7])
    # The second takes 0, the third 1; none is left for the first.
    assert tracker.track(frame, memory, 1).instances_id.tolist() == [2, 0, 1]


@pytest.mark.parametrize(('match_label', 'wanted'), [(False, 0), (True, 1)])
def test_labels_matter_where_they_are_told_to(match_label, wanted):
    tracker = CenternessTracker(match_label=match_label)
    memory = tracker.init_memory()
    tracker.track(detections([[5, 5]], [[0, 0]], labels=[3]), memory, 0)
    frame = detections([[5, 5]], [[0, 0]], labels=[4])
    assert tracker.track(frame, memory, 1).instances_id.tolist() == [wanted]


def test_the_order_of_detections_does_not_change_the_tracks():
    generator = torch.Generator().manual_seed(0)
    tracker = CenternessTracker()
    memories, names = (tracker.init_memory(), tracker.init_memory()), {}
    for frame_id in range(30):
        frame = draw(7, generator)
        for name in ('centers', 'movements', 'scores'):
            # No ties: these are settled by order.
            frame[name] += 0.1 * torch.rand(frame[name].shape, generator=generator)
        shuffle = torch.randperm(7, generator=generator)
        first = tracker.track(frame, memories[0], frame_id).instances_id[shuffle]
        second = tracker.track(frame[shuffle], memories[1], frame_id).instances_id
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            assert names.setdefault(a, b) == b
    assert len(set(names.values())) == len(names)


def test_half_precision_and_gradients_may_come_in():
    tracker = CenternessTracker()
    memory = tracker.init_memory()
    for frame_id in range(2):
        frame = detections([[5, 5], [50, 5]], [[0, 0]] * 2)
        frame.movements = frame.movements.bfloat16().requires_grad_()
        frame.scores = frame.scores.half()
        result = tracker.track(frame, memory, frame_id)
        assert result.instances_id.tolist() == [0, 1]
    assert not memory['centers'].requires_grad


@pytest.mark.parametrize('radius', [0.0, -1.0, math.nan])
def test_a_radius_that_is_none_is_named(radius):
    with pytest.raises(ValueError, match='radius must be positive'):
        CenternessTracker(radius=radius)
