"""Grouping and its means against loops over pixels, and within their memory."""

import math

import pytest
import torch
from peak_memory import peak_memory

from mmvis.models.instance_flow import grouping
from mmvis.models.instance_flow.grouping import (
    group_pixels,
    group_sizes,
    instance_means,
    pixel_positions,
)


def offsets_to(centers, id_map, stride):
    """Offsets (2, h, w) that point from each pixel to the centre of its instance."""
    positions = pixel_positions(*id_map.shape, stride, torch.zeros(()))
    return centers[(id_map - 1).clamp(min=0)].permute(2, 0, 1) - positions


def test_positions():
    positions = pixel_positions(3, 2, 4, torch.zeros(()))
    assert positions[:, 0, 0].tolist() == [2.0, 2.0]
    assert positions[:, 2, 1].tolist() == [6.0, 10.0]


@pytest.mark.parametrize('chunk', [1, 50, 2**19])
@pytest.mark.parametrize('seed', range(3))
def test_every_pixel_takes_the_nearest_centre(seed, chunk, monkeypatch):
    monkeypatch.setattr(grouping, 'CHUNK_DISTANCES', chunk)
    generator = torch.Generator().manual_seed(seed)
    # Whole numbers: many pixels are as far from one centre as from another.
    centers = torch.randint(0, 40, (1 + 3 * seed, 2), generator=generator).float()
    offsets = torch.randint(-9, 9, (2, 7, 11), generator=generator).float()
    foreground = torch.rand(7, 11, generator=generator) < 0.7
    found = group_pixels(centers, offsets, foreground, 4)
    assert found.dtype == torch.int64
    for y in range(7):
        for x in range(11):
            place = 4 * x + 2 + offsets[0, y, x], 4 * y + 2 + offsets[1, y, x]
            distances = [
                (place[0] - center[0]) ** 2 + (place[1] - center[1]) ** 2
                for center in centers
            ]
            wanted = distances.index(min(distances)) + 1 if foreground[y, x] else 0
            assert found[y, x] == wanted


def test_touching_look_alikes_are_told_apart_by_where_they_point():
    """The side between them is uneven, and one reaches past the other's centre."""
    id_map = torch.ones(12, 20, dtype=torch.long)
    id_map[:, 9:] = 2
    id_map[::2, 9:14] = 1
    centers = torch.tensor([[20.0, 24.0], [50.0, 24.0]])
    offsets = offsets_to(centers, id_map, 4)
    generator = torch.Generator().manual_seed(0)
    # As good as the prediction must be: half of the way between the centres.
    angle = torch.rand(12, 20, generator=generator) * 2 * math.pi
    offsets += 14.9 * torch.stack([angle.cos(), angle.sin()])
    foreground = torch.ones_like(id_map, dtype=torch.bool)
    foreground[:2] = False
    found = group_pixels(centers, offsets, foreground, 4)
    assert torch.equal(found, id_map * foreground)


def test_the_order_of_centres_only_names_the_groups():
    generator = torch.Generator().manual_seed(0)
    centers = torch.rand(6, 2, generator=generator) * 50
    offsets = torch.randn(2, 9, 13, generator=generator) * 9
    foreground = torch.rand(9, 13, generator=generator) < 0.7
    order = torch.randperm(6, generator=generator)
    first = group_pixels(centers, offsets, foreground, 4)
    second = group_pixels(centers[order], offsets, foreground, 4)
    names = torch.cat([order.new_zeros(1), order + 1])
    assert torch.equal(names[second], first)


def test_no_centre_no_foreground_and_offsets_that_are_none():
    offsets = torch.zeros(2, 3, 4)
    foreground = torch.ones(3, 4, dtype=torch.bool)
    centers = torch.tensor([[2.0, 2.0], [10.0, 2.0]])
    for found in (
        group_pixels(centers[:0], offsets, foreground, 4),
        group_pixels(centers, offsets, ~foreground, 4),
    ):
        assert torch.equal(found, torch.zeros(3, 4, dtype=torch.long))
    offsets[0, 1, 2], offsets[1, 2, 3] = math.nan, -math.inf
    found = group_pixels(centers, offsets, foreground, 4)
    assert found.tolist() == [[1, 1, 2, 2], [1, 1, 0, 2], [1, 1, 2, 0]]


def test_half_precision_is_widened():
    """Half precision would not know 800.5 from 800."""
    offsets = torch.zeros(2, 1, 1024, dtype=torch.float16).requires_grad_()
    foreground = torch.ones(1, 1024, dtype=torch.bool)
    centers = torch.tensor([[800.5, 0.5], [801.5, 0.5]])
    found = group_pixels(centers, offsets, foreground, 1)
    assert torch.equal(found[0] == 2, torch.arange(1024) > 800)


@pytest.mark.parametrize('num', [1, 100])
def test_memory_of_a_full_frame(num):
    """At most 20 MB, the results included."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.rand(num, 2, generator=generator) * 360
    offsets = torch.randn(2, 360, 640, generator=generator)
    foreground = torch.ones(360, 640, dtype=torch.bool)
    used = peak_memory(lambda: group_pixels(centers, offsets, foreground, 1))
    assert 360 * 640 * 8 < used <= 20e6
    id_map = group_pixels(centers, offsets, foreground, 1)
    used = peak_memory(lambda: instance_means(offsets, id_map, num))
    assert 0 < used <= 20e6


@pytest.mark.parametrize('chunk', [1, 7, 2**16])
def test_means_are_those_of_each_instance(chunk, monkeypatch):
    monkeypatch.setattr(grouping, 'CHUNK_PIXELS', chunk)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 6, 5, generator=generator)
    id_map = torch.randint(0, 5, (6, 5), generator=generator)
    id_map[id_map == 2] = 0
    means = instance_means(values, id_map, 5)
    sizes = group_sizes(id_map, 5)
    for m in range(5):
        inside = id_map == m + 1
        assert sizes[m] == inside.sum()
        wanted = values[:, inside].mean(1) if inside.any() else torch.zeros(3)
        torch.testing.assert_close(means[m], wanted)
    assert (sizes == 0).tolist() == [False, True, False, False, True]


def test_the_mean_of_a_large_instance_is_exact():
    values = torch.full((1, 500, 500), 300.3, requires_grad=True)
    means = instance_means(values, torch.ones(500, 500, dtype=torch.long), 1)
    assert means.item() == torch.tensor(300.3).item()
    assert not means.requires_grad


def test_no_instance():
    means = instance_means(torch.ones(3, 4, 5), torch.zeros(4, 5).long(), 0)
    assert means.shape == (0, 3)
