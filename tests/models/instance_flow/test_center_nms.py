"""Centres of heatmaps against the definition in loops over pixels."""

import math

import pytest
import torch

from mmvis.models.instance_flow.center_nms import find_centers


def gaussians(centers, size=(20, 30), stride=4, sigma=8.0):
    """The largest of Gaussians around centres, x and y in pixels of the input."""
    y, x = ((torch.arange(side) + 0.5) * stride for side in size)
    x_distance, y_distance = x[None, :, None], y[:, None, None]
    centers = torch.tensor(centers)
    squares = (x_distance - centers[:, 0]) ** 2 + (y_distance - centers[:, 1]) ** 2
    return (-squares / (2 * sigma**2)).exp().amax(2)


def everywhere(heatmap):
    return torch.ones_like(heatmap, dtype=torch.bool)


def plain_centers(heatmap, foreground, kernel, threshold, stride):
    """Each pixel is compared with all of its window; plateaus are flooded."""
    height, width = heatmap.shape
    value = {
        (y, x): heatmap[y, x].item()
        for y in range(height)
        for x in range(width)
        if foreground[y, x] and heatmap[y, x].item() > threshold
    }
    peaks = [
        (y, x)
        for (y, x), here in value.items()
        if all(
            here >= there
            for (v, u), there in value.items()
            if max(abs(v - y), abs(u - x)) * stride <= (kernel - 1) / 2
        )
    ]
    found, seen = [], set()
    for start in peaks:
        if start in seen:
            continue
        plateau, todo = [], [start]
        while todo:
            y, x = todo.pop()
            if (y, x) in seen or (y, x) not in peaks:
                continue
            seen.add((y, x))
            plateau.append((y, x))
            todo += [(y + v, x + u) for v in (-1, 0, 1) for u in (-1, 0, 1)]
        y, x = (sum(side) / len(plateau) + 0.5 for side in zip(*plateau, strict=True))
        found.append((value[start], x * stride, y * stride))
    return sorted(found, key=lambda item: -item[0])


@pytest.mark.parametrize('seed', range(6))
def test_equals_the_definition(seed):
    generator = torch.Generator().manual_seed(seed)
    # Few values: many plateaus, of all shapes.
    heatmap = torch.randint(-2, 5, (14, 17), generator=generator) / 4
    foreground = torch.rand(14, 17, generator=generator) < 0.8
    kernel, threshold, stride = [(1, 0.0, 4), (5, 0.25, 2), (9, 0.5, 1)][seed % 3]
    centers, scores = find_centers(
        heatmap, foreground, kernel, threshold, stride=stride
    )
    expected = plain_centers(heatmap, foreground, kernel, threshold, stride)
    assert len(expected) > 1
    found = torch.cat([scores[:, None], centers], dim=1)
    torch.testing.assert_close(found, torch.tensor(expected))


def test_places_are_middles_of_pixels():
    heatmap = torch.zeros(20, 30)
    heatmap[3, 7] = 0.9
    centers, scores = find_centers(heatmap, everywhere(heatmap), stride=4)
    assert centers.tolist() == [[30.0, 14.0]]
    assert scores.tolist() == pytest.approx([0.9])


def test_a_centre_between_pixels_is_found_there():
    """Four pixels are equally close to it."""
    heatmap = gaussians([[32.0, 40.0]])
    centers, _ = find_centers(heatmap, everywhere(heatmap), stride=4)
    assert centers.tolist() == [[32.0, 40.0]]


@pytest.mark.parametrize(('distance', 'wanted'), [(20, 1), (24, 2)])
@pytest.mark.parametrize('axis', [0, 1])
def test_the_window_is_in_pixels_of_the_input(distance, wanted, axis):
    heatmap = torch.zeros(20, 30)
    heatmap[4, 4], place = 0.9, [4, 4]
    place[axis] += distance // 4
    heatmap[tuple(place)] = 0.8
    centers, _ = find_centers(heatmap, everywhere(heatmap), kernel=41, stride=4)
    assert len(centers) == wanted


def test_equal_peaks_in_one_window_are_two():
    """Look-alikes side by side."""
    heatmap = gaussians([[42.0, 38.0], [58.0, 38.0]], sigma=4.0)
    centers, scores = find_centers(heatmap, everywhere(heatmap), stride=4)
    assert centers.tolist() == [[42.0, 38.0], [58.0, 38.0]]
    assert scores.tolist() == [1.0, 1.0]


def test_the_background_hides_nothing():
    """A larger value there does not take the place of a centre beside it."""
    heatmap = gaussians([[42.0, 38.0]])
    foreground = everywhere(heatmap)
    foreground[:, 11:] = False
    heatmap[:, 11] = 5.0
    centers, scores = find_centers(heatmap, foreground, stride=4)
    assert centers.tolist() == [[42.0, 38.0]]
    assert scores.tolist() == [1.0]


def test_the_best_ones_of_many():
    places = [[10.0, 10.0], [50.0, 10.0], [90.0, 10.0], [10.0, 62.0]]
    heatmap = torch.zeros(20, 30)
    for (x, y), height in zip(places, (0.5, 0.9, 0.7, 0.9), strict=True):
        heatmap[int(y / 4), int(x / 4)] = height
    every = everywhere(heatmap)
    centers, scores = find_centers(heatmap, every, stride=4)
    assert centers.tolist() == [places[i] for i in (1, 3, 2, 0)]
    for top_k in range(6):
        best = find_centers(heatmap, every, top_k=top_k, stride=4)
        assert torch.equal(best[0], centers[:top_k])
        assert torch.equal(best[1], scores[:top_k])


@pytest.mark.parametrize('shape', ['snake', 'all', 'ring'])
def test_a_long_plateau_is_one_centre(shape):
    heatmap = torch.zeros(41, 41)
    if shape == 'all':
        heatmap += 1
    elif shape == 'ring':
        heatmap[5:36, 5:36] = 1
        heatmap[6:35, 6:35] = 0
    else:
        heatmap[::4] = 1
        heatmap[1::4, 0] = heatmap[2::8, -1] = heatmap[2::4, 20] = 0
        for row in range(0, 40, 8):
            heatmap[row : row + 5, -1] = 1
            heatmap[row + 4 : row + 9, 0] = 1
    centers, _ = find_centers(heatmap, everywhere(heatmap), kernel=5, stride=1)
    y, x = (heatmap == 1).nonzero(as_tuple=True)
    middle = torch.stack([x, y]).float().mean(1) + 0.5
    torch.testing.assert_close(centers, middle[None])


def test_values_that_are_none():
    heatmap = gaussians([[42.0, 38.0]])
    heatmap[9, 11] = math.nan
    heatmap[0, 0] = math.inf
    heatmap[19, 29] = -math.inf
    centers, scores = find_centers(heatmap, everywhere(heatmap), stride=4)
    assert centers.tolist() == [[2.0, 2.0], [42.0, 38.0]]
    assert scores.tolist() == [math.inf, 1.0]


@pytest.mark.parametrize('empty', ['background', 'threshold'])
def test_nothing_to_find(empty):
    heatmap = gaussians([[42.0, 38.0]])
    foreground = everywhere(heatmap)
    if empty == 'background':
        foreground[:] = False
    else:
        # Exactly at the threshold is not above it.
        heatmap = heatmap.clamp(max=0.25)
    centers, scores = find_centers(heatmap, foreground, threshold=0.25, stride=4)
    assert centers.shape == (0, 2)
    assert scores.shape == (0,)


def test_half_precision_and_gradients_may_come_in():
    heatmap = gaussians([[42.0, 38.0]]).bfloat16().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        centers, scores = find_centers(heatmap, everywhere(heatmap), stride=4)
    assert centers.tolist() == [[42.0, 38.0]]
    assert centers.dtype == scores.dtype == torch.float32
    assert not scores.requires_grad


@pytest.mark.parametrize('kernel', [0, -3, 40])
def test_a_window_without_a_middle_is_named(kernel):
    heatmap = torch.zeros(3, 4)
    with pytest.raises(ValueError, match='kernel must be odd'):
        find_centers(heatmap, everywhere(heatmap), kernel=kernel, stride=4)
