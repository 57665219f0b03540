"""Colours tell objects apart, whatever their place and size."""

import numpy as np
import pytest

from mmvis.tracking import colour_looks


def test_alike_are_alike_and_others_are_not():
    image = np.full((90, 160, 3), (60, 120, 60), np.uint8)
    masks = np.zeros((5, 90, 160), bool)
    for row, (x, y, size, colour) in enumerate(
        [
            (10, 10, 20, (30, 30, 200)),
            (60, 40, 30, (30, 30, 200)),
            (120, 10, 20, (200, 40, 30)),
            (120, 60, 25, (205, 45, 35)),
        ]
    ):
        masks[row, y : y + size, x : x + size] = True
        image[masks[row]] = colour
    looks = colour_looks(image, masks)
    assert looks.shape == (5, 54) and not looks[4].any()
    alike = looks[:4] @ looks[:4].T
    assert np.diag(alike) == pytest.approx(1)
    assert alike[0, 1] > 0.99 and alike[2, 3] > 0.5
    assert alike[:2, 2:].max() < 0.5
    # A mask over half of another's colour is somewhere in between.
    both = colour_looks(image, (masks[0] | masks[2])[None])[0]
    assert 0.3 < both @ looks[0] < 0.95
    assert colour_looks(image, masks[:0]).shape == (0, 54)
