"""RLE against pycocotools and against decoding, on random and degenerate masks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils
from random_masks import MASKS, reference, run_lengths_by_loop

from mmvis.structures.rle import (
    concatenate_rles,
    decode_masks,
    empty_rle,
    encode_masks,
    rle_area,
    rle_to_bbox,
    unpack_counts,
)
from mmvis.structures.rle_on_device import find_runs as find_runs_on_device


@settings(deadline=None, max_examples=150)
@given(MASKS)
def test_encode_is_byte_identical_to_pycocotools(masks):
    expected = reference(masks)
    assert encode_masks(torch.from_numpy(masks)) == expected
    assert encode_masks(masks) == expected
    assert encode_masks(masks.astype(np.uint8)) == expected
    for rle, mask in zip(expected, masks, strict=True):
        assert unpack_counts(rle).tolist() == run_lengths_by_loop(mask)


def degenerate_masks(height, width):
    masks = np.zeros((7, height, width), dtype=bool)
    masks[1] = True
    masks[2, 0, 0] = True
    masks[3, -1, -1] = True
    masks[4, height // 2, width // 2] = True
    masks[5, 0] = True
    masks[6, :, 0] = True
    return masks


@pytest.mark.parametrize('size', [(1, 1), (1, 9), (9, 1), (7, 8), (8, 7), (16, 24)])
def test_encode_degenerate_masks_and_their_mixtures(size):
    masks = degenerate_masks(*size)
    # The order matters: a mask's last run must not leak into the next mask's first.
    for order in (range(7), reversed(range(7)), [1, 1, 2, 0, 1, 3, 3]):
        chosen = masks[list(order)]
        assert encode_masks(torch.from_numpy(chosen)) == reference(chosen)


def test_encode_any_memory_layout_and_no_mask():
    masks = np.random.default_rng(0).random((3, 11, 14)) < 0.4
    tensor = torch.from_numpy(masks)
    expected = reference(masks)
    assert encode_masks(tensor.permute(0, 2, 1).contiguous().permute(0, 2, 1)) == (
        expected
    )
    assert encode_masks(np.asfortranarray(masks)) == expected
    assert encode_masks(masks[:, ::-1]) == reference(masks[:, ::-1])
    assert encode_masks(tensor[:, 2:9, 3:12]) == reference(masks[:, 2:9, 3:12])
    assert encode_masks(tensor.to(torch.int64) * 7) == expected
    assert encode_masks(torch.zeros(0, 5, 6)[:0].bool()) == []


def test_encode_more_pixels_than_are_taken_at_once(monkeypatch):
    masks = np.random.default_rng(1).random((9, 8, 10)) < 0.5
    monkeypatch.setattr('mmvis.structures.rle._PIXELS_AT_ONCE', 250)
    assert encode_masks(masks) == reference(masks)


@settings(deadline=None, max_examples=50)
@given(MASKS)
def test_runs_as_on_another_device(masks):
    """What finds the runs of masks on a GPU, given masks that are not."""
    runs, splits = find_runs_on_device(torch.from_numpy(masks))
    found = np.split(runs, splits[:-1]) if len(masks) else []
    assert [counts.tolist() for counts in found] == [*map(run_lengths_by_loop, masks)]


def test_encode_refuses_logits_and_wrong_shapes():
    with pytest.raises(TypeError, match='bool or integer'):
        encode_masks(torch.rand(2, 4, 4))
    with pytest.raises(ValueError, match=r'\(n, h, w\)'):
        encode_masks(torch.zeros(4, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match='no pixel'):
        encode_masks(torch.zeros(1, 0, 4, dtype=torch.bool))


@settings(deadline=None, max_examples=50)
@given(MASKS)
def test_decode_area_and_box(masks):
    rles = encode_masks(masks)
    height, width = masks.shape[1:]
    decoded = decode_masks(rles, height, width)
    assert decoded.dtype == bool and np.array_equal(decoded, masks)
    assert rle_area(rles).tolist() == masks.sum((1, 2)).tolist()
    for box, mask in zip(rle_to_bbox(rles), masks, strict=True):
        rows, columns = np.nonzero(mask)
        if rows.size:
            tight = [
                columns.min(),
                rows.min(),
                columns.max() + 1,
                rows.max() + 1,
            ]
            assert box.tolist() == tight
        else:
            assert box.tolist() == [0, 0, 0, 0]


def test_more_masks_than_a_byte_counts():
    """pycocotools 2.0.10 cannot measure 256 masks in one call."""
    masks = np.random.default_rng(0).random((300, 3, 4)) < 0.5
    assert rle_area(encode_masks(masks)).tolist() == masks.sum((1, 2)).tolist()


def test_decode_refuses_another_size():
    with pytest.raises(ValueError, match='size'):
        decode_masks(encode_masks(np.ones((1, 3, 4), bool)), 4, 3)


@settings(deadline=None, max_examples=100)
@given(MASKS, st.data())
def test_concatenation_is_the_mask_of_the_frames_side_by_side(masks, data):
    height, width = masks.shape[1:]
    rles = encode_masks(masks)
    absent = data.draw(st.lists(st.booleans(), min_size=len(rles), max_size=len(rles)))
    masks = masks & ~np.array(absent, dtype=bool)[:, None, None]
    rles = [None if gone else rle for gone, rle in zip(absent, rles, strict=True)]
    wide = concatenate_rles(rles, height, width)
    assert wide['size'] == [height, width * len(rles)]
    if len(rles):
        assert [wide] == reference([np.concatenate(list(masks), axis=1)])


def test_concatenation_takes_text_and_guards_the_counter():
    rle = encode_masks(np.eye(3, dtype=bool)[None])[0]
    text = {'size': [3, 3], 'counts': rle['counts'].decode()}
    assert concatenate_rles([text, None], 3, 3) == concatenate_rles([rle, None], 3, 3)
    frames = [None] * (2**32 // (720 * 1280) + 1)
    with pytest.raises(OverflowError, match='sum areas'):
        concatenate_rles(frames, 720, 1280)
    longest = concatenate_rles(frames[:-2], 720, 1280)
    assert mask_utils.area(longest) == 0
    with pytest.raises(ValueError, match=r'frame 1.*size'):
        concatenate_rles([rle, empty_rle(3, 4)], 3, 3)
