"""Where detections are, for the network that is for them alone."""

import numpy as np
import torch

from mmvis.models.common.prediction_at_places import Places
from mmvis.runtime.kept_anchors import NOWHERE, by_shape, places_of

SIZES = [(3, 5), (2, 3), (1, 2), (1, 1)]


def test_places_are_those_of_the_model():
    expected = torch.cat(
        [
            field.unsqueeze(1) if field.ndim == 1 else field
            for field in Places.of_pyramid(SIZES, torch.device('cpu'))
        ],
        dim=1,
    )
    found = places_of(np.arange(len(expected)), SIZES)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


def test_each_detection_comes_back():
    rng = np.random.default_rng(0)
    shapes = np.array([4, 0, 4, 2, 4, 0])
    places, deltas = rng.integers(1, 9, (6, 5)), rng.random((6, 4), np.float32)
    all_places, all_deltas, slots = by_shape(shapes, 5, places, deltas)
    assert all_places.shape == (5, 3, 5) and all_deltas.shape == (5, 3, 4)
    np.testing.assert_array_equal(all_places[slots], places)
    np.testing.assert_array_equal(all_deltas[slots], deltas)
    np.testing.assert_array_equal(slots[0], shapes)
    # The other places can be computed at.
    assert (all_places == NOWHERE).all(2).sum() == 15 - 6
