"""Which frames go together: by their sizes, and by the memory that masks take."""

from itertools import chain, pairwise

import numpy as np
import pytest

from mmvis.models.common import frame_groups
from mmvis.models.common.frame_groups import groups_that_fit, runs_of_one_size


def test_runs_are_as_long_as_sizes_stay():
    small = dict(img_shape=(48, 80), ori_shape=(96, 160), scale_factor=(0.5, 0.5))
    # As a pipeline may have them, and padded by mmdet's Pad.
    alike = dict(small, ori_shape=[96, 160], scale_factor=np.array([0.5, 0.5]))
    other = dict(small, scale_factor=(0.4, 0.5))
    wide = dict(small, ori_shape=(96, 320))
    frames = [small, alike, other, other, wide, small]
    runs = [(run.start, run.stop) for run in runs_of_one_size(frames)]
    assert runs == [(0, 2), (2, 4), (4, 5), (5, 6)]
    assert list(runs_of_one_size([])) == []


@pytest.mark.parametrize('limit', [1, 7, 10, 100])
def test_groups_are_as_large_as_memory_allows(limit, monkeypatch):
    monkeypatch.setattr(frame_groups, 'PIXELS_AT_ONCE', limit)
    pixels = [3, 4, 0, 11, 0, 5, 5, 1, 0]
    groups = list(groups_that_fit(iter(pixels), lambda own: own))
    assert list(chain(*groups)) == pixels
    assert all(sum(group) <= limit or len(group) == 1 for group in groups)
    for group, after in pairwise(groups):
        assert sum(group) + after[0] > limit
    assert list(groups_that_fit([], len)) == []
