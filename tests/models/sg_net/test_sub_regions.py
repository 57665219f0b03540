"""Divisions of boxes by a table, and runs of pixels against a loop over all."""

import math

import pytest
import torch
from sub_region_reference import BOXES, INPUT, SIZE, divisions, region

from mmvis.models.sg_net.sub_regions import (
    RUN,
    cut_into_runs,
    divide_boxes,
    join_runs,
    region_runs,
)

# Width and height in pixels, and what eq. 1 makes of them with 6 and 50 px.
TABLE = {
    (1, 1): (1, 1),
    (50, 50): (1, 1),
    (50.5, 50): (2, 1),
    (100, 101): (2, 3),
    (249, 251): (5, 6),
    (300, 40): (6, 1),
    (40, 300): (1, 6),
    (300, 300): (6, 6),
    (640, 360): (6, 6),
    (1e30, 0): (6, 1),
    (-10, -300): (1, 1),
    (math.nan, 120): (1, 3),
    (math.inf, 120): (6, 3),
}


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_boxes_are_divided_by_their_size(dtype):
    sides = torch.tensor(list(TABLE), dtype=dtype)
    found = divide_boxes(torch.cat([torch.zeros_like(sides), sides], 1), 6, 50.0)
    assert found.dtype == torch.int64
    assert found.tolist() == [list(division) for division in TABLE.values()]


def test_other_limits():
    bboxes = torch.tensor([[10.0, 20.0, 26.0, 52.1]])
    assert divide_boxes(bboxes, 8, 16.0).tolist() == [[1, 3]]
    assert divide_boxes(bboxes, 2, 16.0).tolist() == [[1, 2]]
    assert divide_boxes(bboxes, 8, 2.5).tolist() == [[7, 8]]
    assert divide_boxes(bboxes[:0], 8, 16.0).shape == (0, 2)


@pytest.mark.parametrize('size', [SIZE, (7, 16), (3, 5), (5, 33)])
@pytest.mark.parametrize(('max_division', 'region_size'), [(6, 8.0), (3, 10.0), (1, 9)])
def test_runs_have_each_pixel_of_a_box_once(size, max_division, region_size):
    runs = region_runs(BOXES, size, INPUT, max_division, region_size)
    columns = -(-size[1] // RUN)
    found = {}
    assert runs.inside.any(1).all()
    for instance, run, part, inside in zip(*(t.tolist() for t in runs), strict=True):
        for position, kept in enumerate(inside):
            if kept:
                x = run % columns * RUN + position
                key = instance, run // columns, x
                assert key not in found
                found[key] = part
    expected = {
        (n, y, x): region(box, y, x, max_division, region_size, size)
        for n, box in enumerate(BOXES.tolist())
        for y in range(size[0])
        for x in range(size[1])
    }
    assert found == {k: v for k, v in expected.items() if v is not None}


def test_every_sub_region_is_seen():
    runs = region_runs(BOXES, SIZE, INPUT, 6, 8.0)
    for n in (0, 8):
        across, down = divisions(BOXES[n].tolist(), 6, 8.0)
        parts = runs.region[runs.instance == n]
        # The one that is larger than the input has sub-regions outside of it.
        assert set(parts.tolist()) <= set(range(across * down))
        assert (len(set(parts.tolist())) == across * down) == (n == 0)


def test_no_box():
    runs = region_runs(BOXES[:0], SIZE, INPUT, 6, 8.0)
    assert [tuple(t.shape) for t in runs] == [(0,), (0,), (0,), (0, RUN)]


@pytest.mark.parametrize('width', [16, 48, 5, 35])
def test_maps_are_cut_and_joined(width):
    maps = torch.randn(2, 3, 4, width)
    runs = cut_into_runs(maps)
    assert runs.shape == (2, 3, 4 * -(-width // RUN), RUN)
    assert torch.equal(join_runs(runs, (4, width)), maps)
    assert runs.double().sum() == pytest.approx(maps.double().sum().item())
