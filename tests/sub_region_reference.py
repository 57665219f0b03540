"""SG-Net's masks one pixel at a time, in Python floats: what the paper's text says."""

import math

import torch

# Not of one ratio, and not whole runs of 16, so that nothing can be mixed up.
INPUT, SIZE = (48, 80), (12, 40)
INF, NAN = math.inf, math.nan
BOXES = torch.tensor(
    [
        [3.0, 5.0, 61.0, 37.0],
        # The same pixels in another grid; less than a sub-region; one high, one wide.
        [12.0, 9.0, 47.0, 30.0],
        [30.5, 20.0, 36.0, 27.0],
        [20.0, 0.0, 29.0, 48.0],
        [0.0, 14.0, 80.0, 22.0],
        # Sides on centres of pixels: the left and the top one are inside.
        [5.0, 6.0, 35.0, 38.0],
        # Over the sides, larger than the input, outside of it.
        [-20.0, -9.0, 15.0, 21.0],
        [66.0, 30.0, 99.0, 70.0],
        [-50.0, -50.0, 130.0, 100.0],
        [90.0, 10.0, 120.0, 20.0],
        [10.0, -40.0, 20.0, -5.0],
        # No length, between two centres, corners swapped, not numbers, no end.
        [20.0, 20.0, 20.0, 40.0],
        [10.1, 10.1, 10.2, 30.0],
        [47.0, 30.0, 12.0, 9.0],
        [NAN, 0.0, 60.0, 40.0],
        [0.0, 0.0, NAN, 40.0],
        [-INF, 5.0, 40.0, 40.0],
        [10.0, 5.0, INF, 40.0],
    ],
    dtype=torch.float64,
)


def divisions(box, max_division, region_size):
    """Eq. 1: (r1, r2)."""
    lengths = box[2] - box[0], box[3] - box[1]
    return tuple(
        min(max_division, max(1, math.ceil(length / region_size)))
        if math.isfinite(length)
        else 1
        for length in lengths
    )


def region(box, y, x, max_division, region_size, size=SIZE, input_shape=INPUT):
    """The sub-region that a pixel of the base masks is in, or None."""
    x1, y1, x2, y2 = box
    if not all(map(math.isfinite, box)):
        return None
    cx, cy = (x + 0.5) * input_shape[1] / size[1], (y + 0.5) * input_shape[0] / size[0]
    if not (x1 <= cx < x2 and y1 <= cy < y2):
        return None
    r1, r2 = divisions(box, max_division, region_size)
    column = min(int((cx - x1) / ((x2 - x1) / r1)), r1 - 1)
    row = min(int((cy - y1) / ((y2 - y1) / r2)), r2 - 1)
    return row * r1 + column


def scalar_logit(base_masks, scores, y, x, j):
    """Eq. 2 as printed, of nested lists."""
    return scores[j] * base_masks[j][y][x]


def vector_logit(base_masks, scores, y, x, j):
    """A set of scores for each sub-region (section 4.3)."""
    count = len(base_masks)
    scores = scores[j * count : (j + 1) * count]
    return sum(a * b[y][x] for a, b in zip(scores, base_masks, strict=True))


def sigmoid(value):
    return 1 / (1 + math.exp(-value))
