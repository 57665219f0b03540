"""Videos in which every map is known: from maps to tracks, as a model goes."""

import pytest
import torch
from instance_flow_scenes import (
    STRIDE,
    Box,
    heat_of,
    offsets_to,
    regions,
    semantic_of,
)

from mmvis.models.instance_flow.assembly import InstanceAssembly
from mmvis.models.instance_flow.tracker import InstanceFlowTracker

OFFSET_WAYS = ('OffsetResidual', 'InterOffsetAverage', 'InterOffsetIoU')


def track(video, inter_offsets=None, noise=0.0, settings=None):
    """Which id each object of each frame got.

    Args:
        video: a dict of objects for each frame; the first ones are behind.
        inter_offsets: of a frame and a reference frame, both by number; None: right
            ones, and far away for what is not in the reference frame.
        noise: deviation of all offsets, in pixels.
        settings: of the tracker.
    """
    generator = torch.Generator().manual_seed(0)

    def shaken(offsets):
        return offsets + noise * torch.randn(offsets.shape, generator=generator)

    if inter_offsets is None:

        def inter_offsets(t, r):
            return offsets_to(video[t], video[r])

    assembly = InstanceAssembly(kernel=21)
    tracker = InstanceFlowTracker(**{'epsilon': 20.0, **(settings or {})})
    memory, found = tracker.init_memory(), []
    for frame_id, boxes in enumerate(video):
        dets, target = assembly(
            semantic_of(boxes),
            heat_of(boxes),
            shaken(offsets_to(boxes, boxes)),
            regions(boxes) > 0,
            STRIDE,
        )
        assert len(dets) == len(boxes)
        fields = [
            shaken(inter_offsets(frame_id, reference.frame_id))
            for reference in memory.references
        ]
        distances = []
        if fields:
            distances = tracker.distances(target, torch.stack(fields), memory)
        result = tracker.track(dets, distances, memory, frame_id)
        named = {}
        for number, name in enumerate(boxes, 1):
            # Whose centre it is, and most of its pixels.
            groups = target.id_map[regions(boxes) == number]
            named[name] = result.instances_id[groups.mode().values - 1].item()
        assert len(set(named.values())) == len(boxes)
        found.append(named)
    return found


def twins(x):
    """Two of the same look, side by side without a gap."""
    return {'left': Box(x, 50.0), 'right': Box(x + 24.0, 50.0)}


@pytest.mark.parametrize('way', OFFSET_WAYS)
@pytest.mark.parametrize('noise', [0.0, 3.0])
def test_twins_in_step_are_told_apart(way, noise):
    """In each frame, one stands where the other one was in the frame before."""
    video = [twins(18.0 + 24 * t) for t in range(5)]
    epsilon = 0.9 if way == 'InterOffsetIoU' else 20.0
    settings = dict(flow=dict(type=way), epsilon=epsilon)
    found = track(video, noise=noise, settings=settings)
    assert found == [found[0]] * 5
    assert sorted(found[0].values()) == [0, 1]


def test_by_their_places_the_twins_would_be_mixed_up():
    """So the tests above do need the flow."""
    video = [twins(18.0 + 24 * t) for t in range(5)]
    found = track(video, lambda t, r: offsets_to(video[t], video[t]))
    assert [frame['left'] for frame in found[:2]] == [0, 1]


@pytest.mark.parametrize('noise', [0.0, 3.0])
def test_objects_that_cross(noise):
    """One goes behind the other, and is hidden for a part of the way."""
    video = []
    for t in range(9):
        x = 20.0 + 12 * t
        boxes = {
            'behind': Box(x, 44.0, 14.0, 18.0),
            'front': Box(140.0 - x, 62.0, 14.0, 18.0),
        }
        video.append(boxes)
    found = track(video, noise=noise)
    assert found == [found[0]] * 9
    assert sorted(found[0].values()) == [0, 1]


@pytest.mark.parametrize('known', [True, False])
def test_a_new_object_gets_a_new_id(known):
    """Its offsets may also stay where it is, next to another object."""
    video = [{'old': Box(30.0 + 6 * t, 50.0)} for t in range(6)]
    for t in (3, 4, 5):
        video[t]['new'] = Box(58.0 + 6 * t, 50.0)

    def inter_offsets(t, r):
        return offsets_to(video[t], video[r] if known else video[t] | video[r])

    found = track(video, inter_offsets, noise=1.0)
    assert found == [dict(old=0)] * 3 + [dict(old=0, new=1)] * 3


@pytest.mark.parametrize(
    ('gap', 'references', 'wanted'),
    [
        # Of three adjacent frames, the oldest one has it.
        (2, 4, 1),
        (3, 4, 2),
        (3, 5, 1),
        (1, 1, 2),
    ],
)
def test_an_object_that_vanishes_and_returns(gap, references, wanted):
    """It is not in the first frame, but comes in the second one."""
    video = []
    for t in range(8):
        boxes = {'stays': Box(40.0 + 4 * t, 30.0)}
        if t and not 3 <= t < 3 + gap:
            boxes['returns'] = Box(60.0 + 8 * t, 70.0)
        video.append(boxes)
    found = track(video, noise=1.0, settings=dict(num_references=references))
    assert all(frame['stays'] == 0 for frame in found)
    assert [frame['returns'] for frame in found[1:3]] == [1, 1]
    assert all(frame['returns'] == wanted for frame in found[3 + gap :])


def test_the_first_frame_brings_back_what_was_gone_for_long():
    video = [{'a': Box(30.0, 50.0), 'b': Box(100.0, 50.0)}] * 10
    video[2:8] = [{'a': Box(30.0, 50.0)}] * 6
    assert track(video)[-1] == dict(a=0, b=1)
    # The last reference alone does not know it.
    found = track(video, settings=dict(num_references=1))
    assert found[-1] == dict(a=0, b=2)


def test_the_first_frame_stops_an_error_from_going_on():
    """In frame 3, blur: all offsets to other frames lead to the wrong object.

    Later frames see the frames next to them as they are, with a small error.
    """
    video = [{'a': Box(40.0, 50.0), 'b': Box(64.0 + 4 * t, 50.0)} for t in range(9)]

    def inter_offsets(t, r):
        there = video[r]
        if t == 3:
            there = {'a': there['b'], 'b': there['a']}
        elif r:
            there = {k: Box(box.x + 2, box.y) for k, box in there.items()}
        return offsets_to(video[t], there)

    right, wrong = dict(a=0, b=1), dict(a=1, b=0)
    for references in range(2, 6):
        found = track(video, inter_offsets, 0.5, dict(num_references=references))
        assert found == [right] * 3 + [wrong] + [right] * 5
    found = track(video, inter_offsets, 0.5, dict(num_references=1))
    assert found == [right] * 3 + [wrong] * 6


@pytest.mark.parametrize('empty', [(0,), (2, 3), (0, 1, 2, 3, 4, 5)])
def test_empty_frames(empty):
    video = [{} if t in empty else {'a': Box(40.0 + t, 50.0)} for t in range(6)]
    assert track(video) == [{} if t in empty else dict(a=0) for t in range(6)]


def affinity(now, before):
    """Unit vectors on each object, along its way; one object hides the other's."""
    field = offsets_to(now, before) - offsets_to(now, now)
    return field / field.norm(dim=0).clamp(min=1e-6)


def test_affinity_fields_follow_ways_that_do_not_meet():
    video = [
        {'a': Box(40.0 + 3 * t, 30.0, 20.0), 'b': Box(100.0 - 3 * t, 70.0, 20.0)}
        for t in range(6)
    ]
    found = track(
        video,
        lambda t, r: affinity(video[t], video[r]),
        settings=dict(flow=dict(type='AffinityField')),
    )
    assert found == [dict(a=0, b=1)] * 6


def test_affinity_fields_are_ambiguous_on_one_line():
    """As the paper says: the line to the twin is as good as that to oneself."""
    now, before = twins(42.0), twins(18.0)
    target = InstanceAssembly(kernel=21)(
        semantic_of(now), heat_of(now), offsets_to(now, now), regions(now) > 0, STRIDE
    )[1]
    tracker = InstanceFlowTracker(flow=dict(type='AffinityField'))
    field = torch.zeros(1, 2, *target.id_map.shape)
    field[:, 0] = -1.0
    centers = torch.tensor([[box.x, box.y] for box in before.values()])
    (matrix,) = tracker.flow(target, field, [centers])
    # Both are 0 for the one on the right.
    torch.testing.assert_close(matrix[1], torch.zeros(2))
