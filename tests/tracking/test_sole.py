"""What is followed because nothing else can be: a step, label and rivals at a time."""

import numpy as np
import pytest

from mmvis.tracking import MaskTracker, Outlines

SIZE = 20


def outlines(*centres: tuple[float, float], size: float = SIZE) -> Outlines:
    """Squares, px."""
    places = np.array(centres, float).reshape(-1, 2)
    boxes = np.concatenate([places - size / 2, places + size / 2], 1)
    return Outlines(boxes, np.ones((len(boxes), 24, 24), bool))


def follow(*frames: list, tracker: MaskTracker | None = None, **given) -> list:
    tracker = tracker or MaskTracker(**{'sole': 3.5, **given})
    return [tracker.update(outlines(*places)).tolist() for places in frames]


@pytest.mark.parametrize(('sizes', 'same'), [(1.7, True), (3.3, True), (3.7, False)])
def test_the_only_one_may_come_from_further_off(sizes, same):
    places = [[(SIZE * sizes * t, 0)] for t in range(5)]
    ids = follow(*places)
    assert ids == ([[0]] * 5 if same else [[t] for t in range(5)])
    assert follow(*places, sole=0) == [[t] for t in range(5)]


def test_a_rival_in_the_frame_or_among_the_lost_forbids_it():
    step, far = (50, 0), (300, 0)
    assert follow([(0, 0)], [step, far]) == [[0], [1, 2]]
    assert follow([(0, 0), far], [step, far]) == [[0, 1], [2, 1]]
    assert follow([far], [], [(0, 0)], [step]) == [[0], [], [1], [2]]
    # Forgotten, it is no rival; of another label it never was.
    forgotten = follow([far], [], [], [(0, 0)], [step], retain=1)
    assert forgotten[3:] == [[1], [1]]
    tracker = MaskTracker(sole=3.5)
    for place in ((0, 0), step):
        shown = outlines(place, far)
        assert tracker.update(shown, labels=[0, 1]).tolist() == [0, 1]


def test_what_has_been_seen_to_stand_does_not_jump():
    assert follow([(0, 0)], [(0, 0)], [(50, 0)]) == [[0], [0], [1]]
    assert follow([(0, 0)], [], [(50, 0)]) == [[0], [], [1]]
    # Gone for four frames, it may have come back as fast as it likes.
    gone = [[(0, 0)], [(0, 0)], [], [], [], [(0, 0)], [(50, 0)]]
    assert follow(*gone)[-2:] == [[0], [0]]
    assert follow(*gone[:2], *gone[3:])[-2:] == [[0], [1]]


def test_copies_are_no_rivals_and_get_no_id():
    tracker = MaskTracker(sole=3.5)
    tracker.update(outlines((0, 0)))
    shown = outlines((50, 0), (54, 0))
    assert tracker.update(shown, [0.8, 0.9]).tolist() == [0, -1]
    # Two that lie apart are two, and so are copies where all masks are objects.
    for places, given in (([(50, 0), (68, 0)], {}), ([(50, 0), (54, 0)], dict(twin=2))):
        assert 0 not in follow([(0, 0)], places, **given)[1]


def test_another_size_or_label_is_another_object():
    for size, label, wanted in ((28, 0, 0), (32, 0, 1), (12, 0, 1), (20, 1, 1)):
        tracker = MaskTracker(sole=3.5)
        tracker.update(outlines((0, 0)), labels=[0])
        shown = outlines((50, 0), size=size)
        assert tracker.update(shown, labels=[label]).tolist() == [wanted]


def test_looks_that_are_of_what_lies_beside_it_do_not_count():
    tracker = MaskTracker(sole=3.5)
    for t, looks in enumerate(([1.0, 0], [-1.0, 0.1], [0, 1.0])):
        assert tracker.update(outlines((50 * t, 0)), looks=[looks]).tolist() == [0]


def test_what_has_no_pixel_is_no_rival():
    tracker = MaskTracker(sole=3.5)
    for t in range(3):
        shown = outlines((50 * t, 0), (0, 300))
        shown.inside[1] = False
        assert tracker.update(shown).tolist() == [0, -1]


@pytest.mark.parametrize('sole', [-1, np.inf])
def test_reach_is_checked(sole):
    with pytest.raises(ValueError, match=f'sole must be at least 0 .* but is {sole}'):
        MaskTracker(sole=sole)
