"""Each attribute at its threshold: numbers that just reach it and just do not."""

import numpy as np
import pytest

from mmvis.datasets.synth_vis.attributes import Measurements, measure_attributes

HEIGHT, WIDTH, PIXEL = 80, 100, 64  # 8000 pixels: small is below 100


def measure(areas, amodal=None, boxes=None, smears=0, twins=None):
    """Attributes of objects in a frame of 80 x 100; boxes are square by default."""
    areas = np.array(areas)
    if boxes is None:
        boxes = np.tile([20, 20, 10, 10], (*areas.shape, 1))
    return measure_attributes(
        Measurements(
            areas=areas,
            amodal_areas=areas if amodal is None else np.array(amodal),
            boxes=np.array(boxes),
            smears=np.zeros_like(areas) + smears,
            height=HEIGHT,
            width=WIDTH,
            min_pixels=12,
            twins=twins,
        )
    )


def moving(*xs):
    return [[[x, 20, 10, 10] for x in xs]]


def test_nothing_special():
    assert measure([[200] * 5, [300] * 5]) == []


@pytest.mark.parametrize(
    ('areas', 'found'), [([100, 100], []), ([99, 100], ['small']), ([100, 0], [])]
)
def test_small(areas, found):
    assert measure([areas, [200, 200]]) == found


@pytest.mark.parametrize(
    ('areas', 'found'),
    [
        ([200, 0, 200], ['reenter']),
        ([0, 200, 200, 0], []),
        ([200, 0, 0], []),
    ],
)
def test_reenter(areas, found):
    assert measure([areas]) == found


def test_scale():
    assert measure([[200, 399]]) == []
    assert measure([[200, 400]]) == ['scale']
    # The smaller one is partly hidden, or cut by the frame's border.
    assert measure([[200, 400]], amodal=[[201, 400]]) == []
    assert measure([[200, 400]], boxes=moving(0, 20)) == []
    assert measure([[200, 400]], boxes=moving(WIDTH - 10, 20)) == []
    # Two objects of different size are not one that grows.
    assert measure([[200, 200], [400, 400]]) == []


def test_occlusion():
    full = [300] * 4
    assert measure([[200, 200, 200, 300]], amodal=[full]) == ['occlusion']
    assert measure([[201, 200, 200, 300]], amodal=[full]) == []
    # Three frames of one object, not of several.
    two = [[200, 200, 300, 300], [300, 300, 200, 200]]
    assert measure(two, amodal=[full, full]) == []
    # A sliver of 47 pixels in the frame is not worth hiding, one of 48 is.
    assert measure([[0, 0, 0, 300]], amodal=[[47, 47, 47, 300]]) == []
    assert measure([[0, 0, 0, 300]], amodal=[[48, 48, 48, 300]]) == ['occlusion']


def test_fast():
    # sqrt(400) / 2 is 10 pixels a frame.
    assert measure([[400] * 4], boxes=moving(20, 30, 40, 50)) == ['fast']
    assert measure([[400] * 4], boxes=moving(20, 30, 40, 49)) == []
    assert measure([[401] * 4], boxes=moving(20, 30, 40, 50)) == []
    assert measure([[400] * 4], boxes=moving(20, 30, 20, 30)) == ['fast']
    hidden = [[400, 400, 400, 401]]
    assert measure([[400] * 4], amodal=hidden, boxes=moving(20, 30, 40, 50)) == []


def test_blur():
    fifth = (20 * PIXEL // 5) ** 2  # of sqrt(400)
    assert measure([[400] * 4], smears=[fifth, fifth, fifth, 0]) == ['blur']
    assert measure([[400] * 4], smears=[fifth, fifth, fifth - 1, 0]) == []
    assert measure([[400, 400, 400, 0]], smears=[0, fifth, fifth, fifth]) == []


def test_twins():
    areas = [[200, 200], [200, 200]]
    touching = [[[20, 20, 10, 10]] * 2, [[30, 20, 10, 10]] * 2]
    overlapping = [[[20, 20, 10, 10]] * 2, [[29, 29, 10, 10]] * 2]
    assert measure(areas, boxes=touching, twins=(0, 1)) == []
    assert measure(areas, boxes=overlapping, twins=(0, 1)) == ['twins']
    assert measure(areas, boxes=overlapping) == []
    gone = [[200, 200], [0, 0]]
    assert measure(gone, boxes=overlapping, twins=(0, 1)) == []


def test_names_are_in_order():
    assert measure([[200, 0, 450, 50]]) == ['reenter', 'scale']
