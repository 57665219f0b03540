"""Random masks, and slow ways to encode them."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as mask_utils

SHAPES = st.tuples(st.integers(0, 5), st.integers(1, 13), st.integers(1, 13))
MASKS = SHAPES.flatmap(lambda shape: hnp.arrays(bool, shape))


def reference(masks):
    """pycocotools, one mask after the other."""
    return [
        mask_utils.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks
    ]


def run_lengths_by_loop(mask):
    counts, value = [0], False
    for pixel in mask.T.reshape(-1).tolist():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return counts
