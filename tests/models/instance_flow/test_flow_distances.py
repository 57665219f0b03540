"""Flow estimators against loops over pixels, closed forms, and what they promise."""

import math

import pytest
import torch
from instance_flow_scenes import STRIDE, Box, offsets_to, places, regions

from mmvis.models.instance_flow.flow import TargetInstances, instance_flow
from mmvis.models.instance_flow.grouping import pixel_positions
from mmvis.registry import TASK_UTILS

WAYS = ('OffsetResidual', 'InterOffsetAverage', 'InterOffsetIoU', 'AffinityField')


def build(way):
    return TASK_UTILS.build(dict(type=way))


def draw(seed, num=4, counts=(3, 0, 5), size=(6, 7)):
    """Instances, R fields and centres without any order in them."""
    generator = torch.Generator().manual_seed(seed)
    id_map = torch.randint(0, num + 1, size, generator=generator)
    id_map[id_map == 2] = 0
    height, width = (side * STRIDE for side in size)
    extent = torch.tensor([width, height])
    target = TargetInstances(
        torch.rand(num, 2, generator=generator) * extent,
        id_map,
        torch.randn(2, *size, generator=generator) * 5,
        STRIDE,
    )
    fields = torch.randn(len(counts), 2, *size, generator=generator) * 5
    centers = [torch.rand(n, 2, generator=generator) * extent for n in counts]
    return target, fields, centers


def moved(boxes, x, y):
    return {
        name: Box(box.x + x, box.y + y, box.width, box.height)
        for name, box in boxes.items()
    }


@pytest.fixture
def pair():
    """Two objects, and where each of them was in a reference frame."""
    boxes = {'a': Box(30.0, 40.0), 'b': Box(110.0, 50.0, 20.0, 28.0)}
    return boxes, {'a': Box(38.0, 37.0), 'b': Box(100.0, 56.0, 20.0, 28.0)}


def perfect(now, before):
    target = TargetInstances(places(now), regions(now), offsets_to(now, now), STRIDE)
    return target, offsets_to(now, before)[None], [places(before)]


@pytest.mark.parametrize('way', WAYS[:2])
@pytest.mark.parametrize('seed', range(3))
def test_means_and_distances_equal_loops(seed, way):
    target, fields, centers = draw(seed)
    found = build(way)(target, fields, centers)
    assert [matrix.shape for matrix in found] == [(4, 3), (4, 0), (4, 5)]
    for matrix, field, places_then in zip(found, fields, centers, strict=True):
        if way == 'OffsetResidual':
            field = field - target.intra_offsets
        for m, row in enumerate(matrix):
            pixels = (target.id_map == m + 1).nonzero().tolist()
            x, y = (
                target.centers[m, axis].item()
                + sum(field[axis, v, u].item() for v, u in pixels) / max(len(pixels), 1)
                for axis in (0, 1)
            )
            wanted = [math.dist((x, y), place) for place in places_then.tolist()]
            torch.testing.assert_close(row, torch.tensor(wanted))


def test_flow_is_the_way_of_the_centre(pair):
    now, before = pair
    target, fields, _ = perfect(now, before)
    flow = instance_flow(target, torch.cat([fields, target.intra_offsets[None]]))
    expected = torch.stack([places(before) - places(now), torch.zeros(2, 2)])
    torch.testing.assert_close(flow, expected)


def test_the_residual_bears_what_bends_the_average(pair):
    """Half of a mask is missing, and the offsets have a common error."""
    now, before = pair
    target, fields, centers = perfect(now, before)
    id_map = target.id_map.clone()
    id_map[:, :7] = 0
    error = torch.tensor([6.0, -4.0])[:, None, None]
    target = target._replace(id_map=id_map, intra_offsets=target.intra_offsets + error)
    (residual,) = build('OffsetResidual')(target, fields + error, centers)
    (average,) = build('InterOffsetAverage')(target, fields + error, centers)
    assert residual.diagonal().max() < 1e-3
    assert average.diagonal().min() > 4


@pytest.mark.parametrize('seed', range(3))
def test_propagated_regions_overlap_as_sets_of_pixels_do(seed):
    target, fields, centers = draw(seed)
    positions = pixel_positions(6, 7, STRIDE, torch.zeros(()))
    foreground = {tuple(p) for p in (target.id_map > 0).nonzero().tolist()}
    found = build('InterOffsetIoU')(target, fields, centers)
    for matrix, field, places_then in zip(found, fields, centers, strict=True):
        assert matrix.shape == (4, len(places_then))
        regions_then = [set() for _ in places_then]
        for y, x in foreground if len(places_then) else ():
            goal = (positions + field)[:, y, x]
            nearest = (places_then - goal).square().sum(1).argmin()
            regions_then[nearest].add((y, x))
        for m, row in enumerate(matrix):
            region = {tuple(p) for p in (target.id_map == m + 1).nonzero().tolist()}
            for region_then, distance in zip(regions_then, row, strict=True):
                union = region | region_then
                iou = len(region & region_then) / len(union) if union else 0.0
                assert distance.item() == pytest.approx(1 - iou)


@pytest.mark.parametrize('way', WAYS[:3])
def test_perfect_offsets_leave_no_distance(pair, way):
    (matrix,) = build(way)(*perfect(*pair))
    torch.testing.assert_close(matrix.diagonal(), torch.zeros(2), atol=1e-3, rtol=0)
    assert min(matrix[0, 1], matrix[1, 0]) > 0.9


@pytest.mark.parametrize(('factor', 'wanted'), [(1.0, 0.0), (0.0, 1.0), (-1.0, 2.0)])
def test_a_field_along_the_way_takes_the_distance_away(factor, wanted):
    """Around it, there are other values: only the line itself is integrated over."""
    x, y = pixel_positions(24, 40, STRIDE, torch.zeros(()))
    start, end = torch.tensor([30.0, 20.0]), torch.tensor([90.0, 65.0])
    direction = torch.tensor([0.8, 0.6])
    from_line = (x - 30) * 0.6 - (y - 20) * 0.8
    field = torch.full((2, 24, 40), 9.0)
    field[:, from_line.abs() < 9] = factor * direction[:, None]
    target = TargetInstances(start[None], None, None, STRIDE)
    (matrix,) = build('AffinityField')(target, field[None], [end[None]])
    assert matrix.item() == pytest.approx(wanted * 75, abs=1e-3)


def test_the_integral_of_a_linear_field_is_its_value_in_the_middle():
    """Between pixels, a linear field is interpolated exactly."""
    x, y = pixel_positions(24, 40, STRIDE, torch.zeros(())) / 100
    field = torch.stack([x - 2 * y, 0.5 - x + y])
    generator = torch.Generator().manual_seed(0)
    inner = torch.tensor([150.0, 90.0])
    start = torch.rand(3, 2, generator=generator) * inner + 3
    end = torch.rand(5, 2, generator=generator) * inner + 3
    target = TargetInstances(start, None, None, STRIDE)
    (matrix,) = build('AffinityField')(target, field[None], [end])
    for m in range(3):
        for n in range(5):
            middle_x, middle_y = ((start[m] + end[n]) / 200).tolist()
            value = middle_x - 2 * middle_y, 0.5 - middle_x + middle_y
            length = math.dist(start[m].tolist(), end[n].tolist())
            warped = [start[m, axis].item() + length * value[axis] for axis in (0, 1)]
            wanted = math.dist(warped, end[n].tolist())
            assert matrix[m, n].item() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize('way', WAYS)
def test_the_order_of_instances_does_not_matter(way):
    target, fields, centers = draw(0, counts=(3, 5))
    order = torch.tensor([2, 0, 3, 1])
    names = torch.cat([torch.zeros(1), order.argsort() + 1]).long()
    shuffled = target._replace(
        centers=target.centers[order], id_map=names[target.id_map]
    )
    orders = [torch.tensor([1, 2, 0]), torch.tensor([4, 2, 0, 3, 1])]
    first = build(way)(target, fields, centers)
    second = build(way)(
        shuffled, fields, [c[o] for c, o in zip(centers, orders, strict=True)]
    )
    for a, b, columns in zip(first, second, orders, strict=True):
        torch.testing.assert_close(b, a[order][:, columns])


@pytest.mark.parametrize('way', WAYS)
def test_references_do_not_mix(way):
    target, fields, centers = draw(1)
    together = build(way)(target, fields, centers)
    for r, matrix in enumerate(together):
        (alone,) = build(way)(target, fields[r : r + 1], centers[r : r + 1])
        torch.testing.assert_close(alone, matrix)


@pytest.mark.parametrize('way', WAYS)
def test_empty_frames(way):
    target, fields, centers = draw(0)
    empty = target._replace(centers=torch.zeros(0, 2), id_map=target.id_map * 0)
    found = build(way)(empty, fields, centers)
    assert [matrix.shape for matrix in found] == [(0, 3), (0, 0), (0, 5)]
    assert build(way)(target, fields[:0], []) == []


@pytest.mark.parametrize('way', WAYS)
def test_half_precision_and_gradients_may_come_in(way):
    target, fields, centers = draw(0)
    half = target._replace(intra_offsets=target.intra_offsets.bfloat16())
    fields = fields.bfloat16().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        found = build(way)(half, fields, centers)
    wide = half._replace(intra_offsets=half.intra_offsets.float())
    expected = build(way)(wide, fields.detach().float(), centers)
    for matrix, wanted in zip(found, expected, strict=True):
        assert not matrix.requires_grad
        assert matrix.dtype == torch.float32
        torch.testing.assert_close(matrix, wanted)
