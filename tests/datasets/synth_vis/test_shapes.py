"""Rasterised outlines against the same shapes in floating point."""

import math

import numpy as np
import pytest

from mmvis.datasets.synth_vis.fixed_point import PIXEL, TURN
from mmvis.datasets.synth_vis.shapes import (
    CATEGORIES,
    TEMPLATES,
    UNIT,
    Deformation,
    cover,
    outline,
)


def polygon(sides, inner, theta):
    sector = 2 * math.pi / sides
    return inner / math.cos(theta % sector - sector / 2)


def star(arms, inner, outer, theta):
    phase = theta * arms / (2 * math.pi) % 1
    return inner + (outer - inner) * abs(2 * phase - 1)


SHAPES = {
    'disc': lambda theta: 3900 / UNIT,
    'square': lambda theta: polygon(4, 3450 / UNIT, theta),
    'triangle': lambda theta: polygon(3, 3000 / UNIT, theta),
    'four_star': lambda theta: star(4, 1800 / UNIT, 6000 / UNIT, theta),
    'six_star': lambda theta: star(6, 2500 / UNIT, 5300 / UNIT, theta),
    'clover': lambda theta: (3700 + 900 * math.cos(4 * theta)) / UNIT,
}


def rasterise(name, centre, radius, angle, waves=(), tick=0, size=(80, 90)):
    radii = outline(TEMPLATES[name], Deformation(waves), radius, tick)
    area = cover(radii, *(np.array([c]) for c in centre), np.array([angle]), *size)
    mask = np.zeros(size, dtype=bool)
    mask[area.rows, area.columns] = area.inside[0]
    return mask


@pytest.mark.parametrize('name', TEMPLATES)
def test_pixels_are_those_whose_centres_lie_inside(name):
    centre, radius, angle, tick = (41.3, 38.8), 24.5, 300, 77
    waves = ((2, 300, 1000, 5), (3, 200, 50, -7))
    mask = rasterise(
        name,
        [round(c * PIXEL) for c in centre],
        round(radius * PIXEL),
        angle,
        waves,
        tick,
    )
    wrong = 0
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            dx, dy = x + 0.5 - centre[0], y + 0.5 - centre[1]
            theta = math.atan2(dy, dx) - 2 * math.pi * angle / TURN
            reach = radius * SHAPES[name](theta)
            for number, amplitude, phase, speed in waves:
                turn = 2 * math.pi * (phase + speed * tick) / TURN
                wave = amplitude / UNIT * math.sin(number * theta + turn)
                reach += radius * SHAPES[name](theta) * wave
            wrong += (math.hypot(dx, dy) <= reach) != mask[y, x]
    # Only pixels whose centres lie on the outline, to the precision, may differ.
    assert wrong <= 0.01 * mask.sum()


def test_shapes_of_one_radius_have_similar_areas():
    areas = [
        rasterise(name, (45 * PIXEL, 40 * PIXEL), 24 * PIXEL, 0).sum()
        for name in TEMPLATES
    ]
    assert max(areas) < 1.35 * min(areas)


def test_a_thing_outside_covers_nothing():
    radii = outline(TEMPLATES['disc'], Deformation(), 5 * PIXEL, 0)
    at = np.array([-20 * PIXEL])
    assert cover(radii, at, at, np.array([0]), 40, 40) is None


def test_categories_have_ids_with_gaps_and_share_shapes_and_textures():
    ids = [category.id for category in CATEGORIES]
    assert ids == sorted(set(ids)) and ids[-1] - ids[0] >= len(ids)
    looks = {(category.shape, category.texture) for category in CATEGORIES}
    assert len(looks) == len(CATEGORIES)
    for category in CATEGORIES:  # no colour gives a category away
        for hue in category.hues:
            assert sum(hue in other.hues for other in CATEGORIES) > 1
    assert len({shape for shape, _ in looks}) < len(CATEGORIES)
    assert len({texture for _, texture in looks}) < len(CATEGORIES)
