"""Outlines against the masks that they stand for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvis.structures.rle import encode_masks
from mmvis.tracking.masks import Outlines, overlaps


def masks_of(seed: int, number: int = 6, size=(90, 130)) -> np.ndarray:
    """Ellipses of many sizes, one of which is empty."""
    rng = np.random.RandomState(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    masks = []
    for _ in range(number):
        x, y = rng.randint(size[1]), rng.randint(size[0])
        a, b = rng.randint(3, 40, 2)
        masks.append(((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1)
    masks[rng.randint(number)][:] = False
    return np.array(masks)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_arrays_and_run_lengths_are_the_same(seed):
    masks = masks_of(seed)
    one, other = Outlines.of_array(masks), Outlines.of_rles(encode_masks(masks))
    assert (one.boxes == other.boxes).all() and (one.inside == other.inside).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_overlaps_are_nearly_those_of_the_masks(seed):
    masks = masks_of(seed)
    outlines = Outlines.of_array(masks)
    i, j = (part.ravel() for part in np.mgrid[: len(masks), : len(masks)])
    iou, share = overlaps(outlines, outlines, (i, j))
    both = (masks[i] & masks[j]).sum((1, 2))
    areas = masks.sum((1, 2))
    union, smaller = areas[i] + areas[j] - both, np.minimum(areas[i], areas[j])
    off = np.abs(iou - both / np.maximum(union, 1))
    assert off.max() < 0.08 and off.mean() < 0.01
    off = np.abs(share - both / np.maximum(smaller, 1))
    assert off[smaller > 300].max(initial=0) < 0.15 and off.mean() < 0.03
    same = (i == j) & (areas[i] > 0)
    assert iou[same] == pytest.approx(1)


def test_outlines_move_with_their_boxes():
    mask = np.zeros((1, 60, 90), bool)
    mask[0, 10:30, 20:50] = True
    mask[0, 10:20, 20:30] = False
    still, gone = Outlines.of_array(mask), Outlines.of_array(np.roll(mask, 17, 2))
    moved = Outlines(still.boxes + np.array([17, 0, 17, 0]), still.inside)
    one = (np.array([0]), np.array([0]))
    assert overlaps(gone, moved, one)[0] == pytest.approx(1)
    assert overlaps(gone, still, one)[0] < 0.5
