"""Whole-number trigonometry against math, random numbers against published ones."""

import math

import numpy as np

from mmvis.datasets.synth_vis.fixed_point import (
    ONE,
    TURN,
    Stream,
    angle_of,
    cosine,
    sine,
)


def test_sine_is_the_rounded_sine():
    angles = range(-TURN, 2 * TURN)
    expected = [round(ONE * math.sin(2 * math.pi * a / TURN)) for a in angles]
    np.testing.assert_array_equal(sine(np.array(angles)), expected)
    quarter_ahead = expected[TURN // 4 :]
    np.testing.assert_array_equal(cosine(np.array(angles))[: -TURN // 4], quarter_ahead)


def test_angle_of_agrees_with_atan2():
    rng = np.random.default_rng(0)
    u, v = rng.integers(-20000, 20000, (2, 5000)).astype(np.int32)
    expected = np.arctan2(v, u) * TURN / (2 * np.pi)
    difference = (angle_of(u, v) - expected + TURN / 2) % TURN - TURN / 2
    assert np.abs(difference).max() <= 1.25


def test_angle_of_axes():
    u = np.array([7, 0, -7, 0, 7, -7], dtype=np.int32)
    v = np.array([0, 7, 0, -7, 7, -7], dtype=np.int32)
    eighths = angle_of(u, v) * 8 / TURN
    np.testing.assert_array_equal(eighths, [0, 2, 4, 6, 1, 5])


def test_stream_is_splitmix64():
    stream = Stream('any')
    stream._state = 1234567  # the seed of the published test vector
    drawn = [stream.below(1 << 64) for _ in range(5)]
    assert drawn == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_grid_draws_the_same_numbers():
    one_by_one, at_once = Stream('grid', 3), Stream('grid', 3)
    expected = [one_by_one.below(256) for _ in range(35)]
    np.testing.assert_array_equal(at_once.grid(5, 7).ravel(), expected)
    assert one_by_one.below(1000) == at_once.below(1000)


def test_streams_depend_on_their_key_alone():
    fresh, used = Stream('a', 1), Stream('a', 1)
    used.below(10)
    assert fresh.fork('x').below(1 << 64) == used.fork('x').below(1 << 64)
    keys = [('a', 1), ('a', 2), ('b', 1), ('a', '1'), ('a', 1, 'x')]
    assert len({Stream(*key).below(1 << 64) for key in keys}) == len(keys)


def test_draws_stay_in_range():
    stream = Stream('range')
    assert {stream.between(-2, 3) for _ in range(300)} == {-2, -1, 0, 1, 2, 3}
    assert {stream.sign() for _ in range(50)} == {-1, 1}
    assert sorted(stream.shuffled(range(9))) == list(range(9))
