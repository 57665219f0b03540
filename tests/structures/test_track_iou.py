"""Spatio-temporal IoU against decoding, and against the official way of merging."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmvis.structures import concatenate_rles, empty_rle, encode_masks, track_iou
from mmvis.structures.track_iou import track_areas, track_ious


def random_tracks(rng, num, frames, height, width):
    masks = rng.random((num, frames, height, width)) < rng.random((num, 1, 1, 1))
    absent = rng.random((num, frames)) < 0.3
    masks[absent] = False
    tracks = []
    for track, gone in zip(masks, absent, strict=True):
        rles = encode_masks(track)
        # Absent is null, or a mask without a pixel: the same for the numbers.
        for t in np.flatnonzero(gone):
            rles[t] = None if rng.random() < 0.7 else empty_rle(height, width)
        tracks.append(rles)
    return masks, tracks


def ious_of(first, second, frames):
    areas = track_areas(first, frames), track_areas(second, frames)
    return track_ious(first, second, *areas)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_ious_are_quotients_of_whole_numbers(seed):
    rng = np.random.default_rng(seed)
    frames, height, width = rng.integers(1, 6), rng.integers(1, 9), rng.integers(1, 9)
    num_dets, num_gts = rng.integers(0, 5, 2)
    a, dets = random_tracks(rng, num_dets, frames, height, width)
    b, gts = random_tracks(rng, num_gts, frames, height, width)
    ious = ious_of(dets, gts, frames)
    assert ious.shape == (num_dets, num_gts)
    assert np.array_equal(track_areas(dets, frames), a.sum((2, 3)))
    for i in range(num_dets):
        for j in range(num_gts):
            union = (a[i] | b[j]).sum()
            expected = (a[i] & b[j]).sum() / union if union else 0.0
            assert ious[i, j] == expected  # to the last bit


def test_a_union_of_one_pixel_and_of_none():
    """1 / 1 and not 1 / 2; where there is no pixel 0, and nothing is divided by it."""
    masks = np.zeros((2, 3, 4), dtype=bool)
    masks[0, 1, 2] = True
    pixel, nothing = encode_masks(masks)
    tracks = [[pixel, None], [nothing, None], [None, None]]
    with np.errstate(all='raise'):
        ious = ious_of(tracks, tracks, 2)
    assert ious.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_large_frames_and_wide_rles(monkeypatch):
    """720p: per-frame sums, the wide RLE and merging agree to the last bit."""
    rng = np.random.default_rng(0)
    frames, height, width = 5, 720, 1280
    y, x = np.ogrid[:height, :width]

    def track():
        cy, cx, radius = rng.uniform(200, 500), rng.uniform(300, 900), 180
        discs = [
            (y - cy) ** 2 + (x - cx - 9 * t) ** 2 < radius**2 for t in range(frames)
        ]
        return encode_masks(np.stack(discs))

    dets, gts = [track() for _ in range(4)], [track() for _ in range(2)]
    ious = ious_of(dets, gts, frames)
    wide = [
        [concatenate_rles(t, height, width) for t in tracks] for tracks in (dets, gts)
    ]
    assert np.array_equal(ious, mask_utils.iou(*wide, [0, 0]))
    for i, det in enumerate(dets):
        for j, gt in enumerate(gts):
            pairs = list(zip(det, gt, strict=True))
            inter = sum(int(mask_utils.area(mask_utils.merge(p, True))) for p in pairs)
            union = sum(int(mask_utils.area(mask_utils.merge(p, False))) for p in pairs)
            assert ious[i, j] == inter / union
    monkeypatch.setattr(track_iou, '_FRAMES_AT_ONCE', 2)
    assert np.array_equal(ious_of(dets, gts, frames), ious)


def test_more_pixels_than_an_rle_can_count():
    """Closed form, 2^33 pixels: half-covered frames against full and empty ones."""
    height = width = 4096
    half = mask_utils.frPyObjects(
        [{'size': [height, width], 'counts': [2**23, 2**23]}], height, width
    )[0]
    full = mask_utils.frPyObjects(
        [{'size': [height, width], 'counts': [0, 2**24]}], height, width
    )[0]
    frames = 512
    det = [half] * frames
    gt = [full] * (frames // 2) + [None] * (frames // 2)
    # Intersection 256 halves; union 256 full and 256 half frames.
    assert ious_of([det], [gt], frames)[0, 0] == 128 / 384
    with pytest.raises(OverflowError):
        concatenate_rles(det, height, width)


def test_areas_of_more_masks_than_a_byte_counts():
    """pycocotools 2.0.10 fails from 256 masks a call on."""
    rle = encode_masks(np.ones((1, 2, 3), dtype=bool))[0]
    assert track_areas([[rle, None]] * 300, 2).sum(axis=0).tolist() == [1800, 0]
