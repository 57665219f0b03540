"""Soft masks: where their edges lie once enlarged, and whose pixels they have."""

import math

import pytest
import torch
from instance_flow_scenes import SIZE, STRIDE, Box, offsets_to, places, regions

from mmvis.models.instance_flow.flow import FramesInstances
from mmvis.models.instance_flow.grouping import pixel_positions
from mmvis.models.instance_flow.masks import soft_masks


def masks_of(centers, id_map, offsets, probability):
    """Of the instances of one frame."""
    maps = id_map[None], offsets[None]
    found = FramesInstances(centers, centers, [len(centers)], *maps, STRIDE)
    return soft_masks(found, probability[None])


def enlarged(masks):
    size = [side * STRIDE for side in SIZE]
    return torch.nn.functional.interpolate(masks[None], size, mode='bilinear')[0] > 0.5


@pytest.mark.parametrize('width', [3.0, 8.0])
def test_edges_are_where_the_probability_is_a_half(width):
    """Discs of known area, with edges from clear to blurred."""
    positions = pixel_positions(*SIZE, STRIDE, torch.zeros(()))
    fine = pixel_positions(*(side * STRIDE for side in SIZE), 1, torch.zeros(()))
    for x, y, radius in ((80.0, 48.0, 9.0), (61.3, 50.2, 17.6), (97.9, 44.1, 30.4)):
        center = torch.tensor([x, y])
        to_center = center[:, None, None] - positions
        probability = ((radius - to_center.norm(dim=0)) / width).sigmoid()
        owner = (probability > 0.5).long()
        (mask,) = enlarged(masks_of(center[None], owner, to_center, probability))
        disc = (fine - center[:, None, None]).norm(dim=0) < radius
        assert mask.sum() / (math.pi * radius**2) == pytest.approx(1, abs=0.03)
        assert (mask & disc).sum() / (mask | disc).sum() > 0.94


def test_every_pixel_of_an_instance_and_no_other_is_above_a_half():
    boxes = {
        'left': Box(42.0, 50.0),
        'right': Box(66.0, 50.0),
        'gone': Box(120.0, 30.0),
    }
    id_map = regions(boxes)
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(SIZE, generator=generator) / 2
    probability = torch.where(id_map > 0, 1 - probability, probability)
    # What was left out as too small does not come back by another instance.
    kept = id_map.where(id_map < 3, 0)
    offsets = offsets_to(boxes, boxes | {'gone': boxes['left']})
    masks = masks_of(places(boxes)[:2], kept, offsets, probability)
    assert torch.equal(masks > 0.5, kept == torch.tensor([1, 2])[:, None, None])
    assert torch.equal(masks.amax(0) > 0, (id_map < 3) & (probability > 0))


def test_no_instance():
    maps = torch.zeros(SIZE).long(), torch.zeros(2, *SIZE), torch.zeros(SIZE)
    assert masks_of(torch.zeros(0, 2), *maps).shape == (0, *SIZE)
