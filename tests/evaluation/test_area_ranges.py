"""Ranges of area that are thirds of the data."""

import numpy as np
import pytest
from data_factory import make_vis_dataset

from mmvis.evaluation import evaluate_results
from mmvis.evaluation.area_ranges import check_area_ranges, ranges_of_data


def tracks(*sizes, iscrowd=0):
    """Objects seen in two of three frames, of these mean areas."""
    return [
        dict(areas=[size - 1, None, size + 1], iscrowd=iscrowd, height=10, width=20)
        for size in sizes
    ]


@pytest.mark.parametrize('count', range(3, 12))
def test_each_range_has_a_third_of_the_objects(count):
    sizes = np.random.default_rng(count).permutation(count) * 10 + 5
    ranges = ranges_of_data(tracks(*sizes.tolist()))
    assert list(ranges) == ['s', 'm', 'l']
    inside = [
        sum(low <= size <= high for size in sizes) for low, high in ranges.values()
    ]
    assert sum(inside) == count
    assert max(inside) - min(inside) <= 1


def test_limits_are_halfway_and_may_be_shares_of_the_frame():
    found = tracks(10, 20, 40)
    assert ranges_of_data(found)['m'] == (15, 30)
    assert ranges_of_data(found, 'frame')['m'] == pytest.approx((0.075, 0.15))
    assert ranges_of_data([*found, *tracks(900, iscrowd=1)])['m'] == (15, 30)


def test_too_few_or_too_alike_have_no_ranges():
    assert ranges_of_data(tracks(10, 20)) == {}
    assert ranges_of_data(tracks(10, 10, 10)) == {}
    assert ranges_of_data([]) == {}


def test_metrics_by_these_ranges_are_those_of_the_same_limits(tmp_path):
    vis_set = make_vis_dataset(tmp_path, lengths=(4, 3, 5), objects=3)
    truth = vis_set.content
    results = [
        dict(
            video_id=a['video_id'],
            category_id=a['category_id'],
            score=0.5,
            segmentations=a['segmentations'],
        )
        for a in truth['annotations'][::2]
    ]
    ranges = ranges_of_data(truth['annotations'])
    assert list(ranges) == ['s', 'm', 'l']
    by_data = evaluate_results(results, truth, area_ranges='data')
    assert by_data == evaluate_results(results, truth, area_ranges=ranges)
    assert None not in [by_data[f'AP_{name}'] for name in ranges]


def test_other_words_are_refused():
    assert check_area_ranges('data', 'frame') == {}
    with pytest.raises(ValueError, match="a dict of ranges or 'data', not 'thirds'"):
        check_area_ranges('thirds', 'pixel')
