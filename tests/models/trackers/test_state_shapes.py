"""Masks that were compared beforehand, against those that are compared when asked."""

import pytest
import torch
from random_detections import draw

from mmvis.models.trackers.match_score import MatchWeights
from mmvis.models.trackers.shapes import compare_shapes
from mmvis.models.trackers.state_shapes import compare_states, of_frames

# Of three frames: detections, and all states.
COUNTS, SIZES = [3, 0, 2], [5, 4, 7]


@pytest.mark.parametrize('bbox_iou', [0.0, 1.0])
def test_equal_to_masks_that_are_compared_when_asked(bbox_iou):
    generator = torch.Generator().manual_seed(0)
    frames = [dict(draw(size, generator).items()) for size in SIZES]
    masks = torch.cat([frame['masks'] for frame in frames])
    areas, pairs = compare_states(masks, COUNTS, SIZES)
    assert len(pairs) == 3 * 5 + 2 * 7
    first = 0
    for frame, count, size, shapes in zip(
        frames, COUNTS, SIZES, of_frames(areas, pairs, COUNTS, SIZES), strict=True
    ):
        frame['state'] = torch.arange(first, first + size)
        dets = {name: value[:count] for name, value in frame.items()}
        # Tracks are any of the states, in any order.
        rows = torch.tensor([size - 1, 1, 2])
        tracks = {name: value[rows] for name, value in frame.items()}
        asked = dets, tracks, MatchWeights(bbox_iou=bbox_iou), True, True
        wanted = compare_shapes(*asked)
        for name, found in shapes(*asked)._asdict().items():
            value = getattr(wanted, name)
            assert (found is None) == (value is None), name
            assert found is None or torch.equal(found, value), name
        first += size
