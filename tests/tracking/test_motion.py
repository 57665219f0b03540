"""Lengths in which distances are measured, against those worked out by hand."""

import numpy as np
import pytest

from mmvis.tracking import MaskTracker, Outlines
from mmvis.tracking.motion import extents, units


def box(x: float, y: float, width: float, height: float) -> list[float]:
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def show(tracker: MaskTracker, *boxes: list[float], **given: list) -> list[int]:
    inside = np.ones((len(boxes), 24, 24), bool)
    return tracker.update(Outlines(np.array(boxes), inside), **given).tolist()


def test_the_longer_side_counts_where_it_is_much_longer():
    boxes = np.array([box(9, 9, 30, 30), box(9, 9, 5, 80), box(9, 9, 80, 5)])
    assert extents(boxes) == pytest.approx([30, 72, 72])
    assert extents(np.zeros((2, 4))) == pytest.approx([1, 1])
    assert extents(np.zeros((0, 4))).shape == (0,)


def test_units_are_usual_sizes_as_far_as_what_is_seen_allows():
    usual, seen = np.array([100.0, 20.0, 100.0]), np.array([[30.0] * 3])
    unit, ahead = units(usual, seen, np.array([0.0, 0.0, 40.0]))
    assert unit.tolist() == [[30, 20, 30]] and ahead.tolist() == [[30, 20, 50]]


def test_a_piece_of_several_moves_by_its_own_size():
    tracker = MaskTracker()
    for _ in range(8):
        assert show(tracker, box(100, 100, 160, 120)) == [0]
    assert show(tracker, box(60, 100, 24, 24)) == [0]
    # Less than half of the size that was usual, but two of its own.
    assert show(tracker, box(108, 100, 24, 24)) == [1]


def test_a_sliver_beside_a_post_comes_out_on_the_other_side():
    tracker = MaskTracker()
    beside = box(300, 100, 40, 80)  # so that it is not followed for being alone
    for _ in range(6):
        assert show(tracker, box(100, 100, 40, 80), beside) == [0, 1]
    # 4 px wide, it is of a size of 18, and two of those off.
    assert show(tracker, box(118, 100, 4, 80), beside) == [0, 1]
    assert show(tracker, box(158, 100, 4, 80), beside) == [0, 1]


def test_what_was_on_its_way_is_found_a_good_way_on():
    """Small on both sides of what hides it, and small in both directions."""
    for speed, wanted in ((20, 0), (0, 2)):
        tracker = MaskTracker()
        other = box(60, 300, 40, 40)
        for t in range(6):
            show(tracker, box(20 + speed * t, 100, 40, 40), other)
        x = 20 + speed * 5
        assert show(tracker, box(x, 100, 14, 14), other) == [0, 1]
        for _ in range(3):
            show(tracker, other)
        # 76 px in four frames: 19 a frame, and more than four of 14 at twice the gate.
        assert show(tracker, box(x + 76, 100, 14, 14), other) == [wanted, 1]


def test_a_sliver_that_returns_by_its_looks_has_come_as_far_as_the_whole_might():
    """Usual sizes, not those of the slivers, of which it would be a dozen away."""
    tracker, looks = MaskTracker(), [[1.0, 0.0]]
    places = [box(0, 0, 60, 60)] * 10 + [box(0, 0, 12, 12)]
    for place in places:
        assert show(tracker, place, looks=looks) == [0]
    tracker.skip(4)
    assert show(tracker, box(150, 0, 12, 12), looks=looks) == [0]
