"""Shapes between key frames: by hand where points are few, by invariance else."""

import numpy as np
import pytest

from mmvis.datasets.formats.cvat_interpolation import (
    Shape,
    interpolated,
    shapes_of_frames,
)


def test_boxes_move_linearly_and_turn_the_shorter_way():
    left = Shape('box', (0, 0, 10, 20), degrees=350)
    right = Shape('box', (8, 4, 14, 28), degrees=20)
    between = interpolated(left, right, 0.25)
    assert between.numbers == (2, 1, 11, 22)
    assert between.degrees == pytest.approx(357.5)
    assert interpolated(right, left, 0.75).degrees == pytest.approx(357.5)


def test_polygons_of_like_points_move_linearly():
    rng = np.random.default_rng(0)
    angles = np.sort(rng.random(9)) * 2 * np.pi
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * 30 + 50
    moved = points + np.array([12, -8])
    between = interpolated(
        Shape('polygon', tuple(points.ravel())),
        Shape('polygon', tuple(moved.ravel())),
        0.5,
    )
    assert np.allclose(np.reshape(between.numbers, (-1, 2)), points + np.array([6, -4]))


def test_a_point_more_is_matched_along_the_outline():
    """A square whose upper edge gets a middle point, by hand.

    Shares of length: 0, 1/4, 1/2, 3/4, 1 and 0, 1/8, 1/4, ...: the new point is as far
    from the first corner as from the second, and the first is taken. It and the corner
    become 2.5 apart, above the least distance 5 / 4.
    """
    square = (0, 0, 10, 0, 10, 10, 0, 10)
    with_middle = (0, 0, 5, 0, 10, 0, 10, 10, 0, 10)
    between = interpolated(Shape('polygon', square), Shape('polygon', with_middle), 0.5)
    assert between.numbers == (0, 0, 2.5, 0, 10, 0, 10, 10, 0, 10)
    # The other way round both points of the edge go to one corner, and stay two.
    back = interpolated(Shape('polygon', with_middle), Shape('polygon', square), 0.5)
    assert back.numbers == (0, 0, 2.5, 0, 10, 0, 10, 10, 0, 10)
    # Nearly there the point is close to its corner, which they share then.
    near = interpolated(Shape('polygon', square), Shape('polygon', with_middle), 0.1)
    assert near.numbers == (0.25, 0, 10, 0, 10, 10, 0, 10)


def test_outside_ends_a_shape_and_the_last_one_lasts():
    keys = {
        0: Shape('box', (0, 0, 4, 4)),
        4: Shape('box', (8, 0, 12, 4), outside=True),
        6: Shape('box', (2, 2, 3, 3)),
    }
    found = shapes_of_frames(keys, list(range(9)))
    assert sorted(found) == [0, 1, 2, 3, 6, 7, 8]
    # It goes on towards where it was when it left.
    assert [found[n].numbers[0] for n in (0, 1, 2, 3)] == [0, 2, 4, 6]
    assert found[8].numbers == (2, 2, 3, 3)


def test_masks_are_not_interpolated_and_do_not_last():
    keys = {n: Shape('mask', (0, 1), place=(0, 0, 1, 1)) for n in (1, 4)}
    assert sorted(shapes_of_frames(keys, list(range(9)))) == [1, 4]


def test_frames_have_a_step():
    keys = {10: Shape('box', (0, 0, 4, 4)), 20: Shape('box', (10, 0, 14, 4))}
    found = shapes_of_frames(keys, [5, 10, 15, 20])
    assert {n: shape.numbers[0] for n, shape in found.items()} == {10: 0, 15: 5, 20: 10}
