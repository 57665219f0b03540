"""Sums of compressed run lengths, against masks encoded by pycocotools."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmvis.structures.run_lengths import string_run_sums


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 60), st.integers(1, 60)),
    density=st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]),
)
def test_encoded_masks_fill_their_frames(seed, shape, density):
    masks = np.random.default_rng(seed).random(shape) < density
    rles = mask_utils.encode(np.asfortranarray(masks.transpose(1, 2, 0), np.uint8))
    sums = string_run_sums([rle['counts'] for rle in rles])
    assert sums.tolist() == [shape[1] * shape[2]] * shape[0]


def test_large_runs_and_mixed_lengths():
    frames = [(1, 1), (2000, 3000), (4, 5), (1, 90000)]
    strings = [
        mask_utils.encode(np.zeros(size, dtype=np.uint8, order='F'))['counts']
        for size in frames
    ]
    assert string_run_sums(strings).tolist() == [h * w for h, w in frames]
    assert string_run_sums([]).tolist() == []
    assert string_run_sums([b'', strings[2], b'']).tolist() == [0, 20, 0]


@pytest.mark.parametrize(
    'damaged',
    [
        b'\x80\x80',  # no character of the code
        b'hello',  # ends where a group should follow
        b'p' * 12 + b'0',  # a number of too many groups
        b'M',  # a negative run
    ],
)
def test_damaged_strings_are_found_among_whole_ones(damaged):
    whole = mask_utils.encode(np.eye(7, dtype=np.uint8, order='F'))['counts']
    sums = string_run_sums([whole, damaged, whole])
    assert sums[[0, 2]].tolist() == [49, 49]
    assert sums[1] != 49 and sums[1] < 0


def test_cut_strings_never_pass_for_whole():
    mask = np.random.default_rng(0).random((30, 40)) < 0.5
    counts = mask_utils.encode(np.asfortranarray(mask, np.uint8))['counts']
    sums = string_run_sums([counts[:end] for end in range(len(counts))])
    assert (sums != mask.size).all()
