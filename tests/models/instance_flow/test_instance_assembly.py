"""Instances of made-up frames, each pixel of which is known."""

import pytest
import torch
from instance_flow_scenes import (
    NUM_CLASSES,
    STRIDE,
    Box,
    heat_of,
    offsets_to,
    places,
    regions,
    semantic_of,
)

from mmvis.registry import TASK_UTILS


def assemble(boxes, foreground=None, **settings):
    assembly = TASK_UTILS.build(dict(type='InstanceAssembly', kernel=21, **settings))
    if foreground is None:
        foreground = regions(boxes) > 0
    maps = semantic_of(boxes), heat_of(boxes), offsets_to(boxes, boxes)
    return assembly(*maps, foreground, STRIDE)


def test_instances_are_the_objects():
    """Two of them look alike and touch; one has a part on the other side of these."""
    boxes = {
        'long': Box(78.0, 50.0, 60.0, 5.0, label=2),
        'left': Box(42.0, 50.0, label=1),
        'right': Box(66.0, 50.0, label=1),
    }
    instances, target = assemble(boxes)
    # All peaks are 1, so the order is from the top and the left.
    order = [1, 2, 0]
    torch.testing.assert_close(instances.centers, places(boxes)[order])
    names = torch.cat([torch.zeros(1), torch.tensor(order).argsort() + 1]).long()
    assert torch.equal(target.id_map, names[regions(boxes)])
    assert torch.equal(target.centers, instances.centers)
    assert instances.center_scores.tolist() == pytest.approx([1.0] * 3)
    expected = torch.full((3, NUM_CLASSES), 0.1)
    for row, name in enumerate(boxes):
        expected[order.index(row), boxes[name].label] = 0.7
    torch.testing.assert_close(instances.class_scores, expected)


@pytest.mark.parametrize(
    ('min_area', 'wanted'), [(1, 2), (64, 2), (65, 1), (560, 1), (561, 0)]
)
def test_small_instances_are_background(min_area, wanted):
    boxes = {'small': Box(20.0, 20.0, 4.0, 4.0), 'large': Box(90.0, 50.0, label=2)}
    instances, target = assemble(boxes, min_area=min_area)
    assert (regions(boxes) == 1).sum() == 4
    assert (regions(boxes) == 2).sum() == 35
    assert len(instances) == wanted
    assert target.id_map.unique().tolist() == list(range(wanted + 1))
    if wanted == 1:  # the large one
        assert torch.equal(target.id_map, (regions(boxes) == 2).long())
        torch.testing.assert_close(instances.centers, places(boxes)[1:])
        assert instances.class_scores.argmax().item() == 2


def test_a_centre_that_no_pixel_points_to_is_none():
    boxes = {'a': Box(42.0, 50.0), 'b': Box(90.0, 50.0)}
    assembly = TASK_UTILS.build(dict(type='InstanceAssembly', kernel=21))
    offsets = offsets_to(boxes, dict.fromkeys(boxes, boxes['b']))
    instances, target = assembly(
        semantic_of(boxes), heat_of(boxes), offsets, regions(boxes) > 0, STRIDE
    )
    assert instances.centers.tolist() == [[90.0, 50.0]]
    assert torch.equal(target.id_map, (regions(boxes) > 0).long())


def test_the_best_centres_of_too_many():
    boxes = {'a': Box(21.0, 50.0), 'b': Box(90.0, 50.0)}
    instances, _ = assemble(boxes, top_k=1)
    # The middle of a pixel is closer to the second one.
    assert instances.centers.tolist() == [[90.0, 50.0]]


def test_no_foreground():
    boxes = {'a': Box(42.0, 50.0)}
    instances, target = assemble(boxes, torch.zeros_like(regions(boxes)).bool())
    assert len(instances) == 0
    assert instances.class_scores.shape == (0, NUM_CLASSES)
    assert not target.id_map.any()


def test_a_size_that_is_none_is_named():
    with pytest.raises(ValueError, match='min_area must be at least 1'):
        TASK_UTILS.build(dict(type='InstanceAssembly', min_area=0))
