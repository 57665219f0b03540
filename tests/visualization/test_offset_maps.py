"""Maps as colours."""

import colorsys

import numpy as np
import pytest

from mmvis.visualization.offset_maps import (
    class_colours,
    colour_wheel,
    draw_arrows,
    fade_outside,
    heat_colours,
    offset_colours,
)


def test_hue_is_the_direction_and_strength_the_length():
    rng = np.random.default_rng(0)
    offsets = rng.uniform(-10, 10, (2, 4, 5))
    colours = offset_colours(offsets, 8.0)
    for row, column in np.ndindex(4, 5):
        x, y = offsets[:, row, column]
        turn = np.arctan2(y, x) / (2 * np.pi) % 1
        rgb = colorsys.hsv_to_rgb(turn, min(np.hypot(x, y) / 8, 1), 1)
        expected = np.array(rgb)[::-1] * 255
        np.testing.assert_allclose(colours[row, column], expected, atol=2)


def test_no_offset_is_white_and_no_number_black():
    offsets = np.zeros((2, 1, 3))
    offsets[0, 0, 1], offsets[1, 0, 2] = np.nan, np.inf
    colours = offset_colours(offsets, 5.0)
    assert colours[0].tolist() == [[255] * 3, [0] * 3, [0] * 3]


def test_the_wheel_is_the_key():
    wheel = colour_wheel(41)
    assert wheel[0, 0].tolist() == wheel[20, 20].tolist() == [255] * 3
    right = offset_colours(np.array([[[40 / 41]], [[0.0]]]), 1.0)[0, 0]
    np.testing.assert_allclose(wheel[20, 40], right, atol=1)
    assert wheel[20, 40, 2] > wheel[20, 0, 2]  # red on the right


def test_heat():
    colours = heat_colours(np.array([[-1.0, 0.0, 0.5, 1.0, 7.0, np.nan]]))
    assert colours[0, 0].tolist() == colours[0, 1].tolist() == colours[0, 5].tolist()
    assert colours[0, 0].sum() < colours[0, 2].sum() < colours[0, 3].sum()
    assert colours[0, 3].tolist() == colours[0, 4].tolist()


def test_classes():
    colours = class_colours(np.array([[0, 1, 5, 0]]), 5)
    assert colours[0, 2].tolist() == [0, 0, 0]
    assert colours[0, 0].tolist() == colours[0, 3].tolist() != colours[0, 1].tolist()


def test_fading_keeps_the_inside():
    picture = np.full((2, 2, 3), 9, np.uint8)
    faded = fade_outside(picture, np.eye(2, dtype=bool))
    assert faded[0, 0].tolist() == [9] * 3 and faded[0, 1].tolist() == [232] * 3


@pytest.mark.parametrize('stop', [(30.0, 20.0), (10.0, 21.0), (np.nan, 0.0)])
def test_arrows(stop):
    picture = np.full((40, 40, 3), 128, np.uint8)
    drawn = draw_arrows(picture, np.array([[10.0, 20.0]]), np.array([stop]))
    assert (picture == 128).all()
    assert drawn[20, 10].tolist() == [0, 0, 0]
    assert (drawn[20, 25] == 0).all() == (stop[0] == 30)
    assert draw_arrows(picture, np.zeros((0, 2)), np.zeros((0, 2))).tolist() == (
        picture.tolist()
    )
