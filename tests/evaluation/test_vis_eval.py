"""Parts of the protocol that have a closed form of their own."""

import numpy as np
import pytest
from random_cases import to_annotation, to_ground_truth, to_result

from mmvis.evaluation import evaluate_results
from mmvis.evaluation.area_ranges import check_area_ranges
from mmvis.evaluation.vis_eval import IOU_THRESHOLDS, average_area, match_tracks

NONE = np.zeros(2, dtype=bool)


def matched_at(iou, ious, ignored=NONE, crowd=NONE):
    level = int(np.flatnonzero(np.isclose(IOU_THRESHOLDS, iou))[0])
    matched, to_ignored = match_tracks(np.array(ious), ignored, crowd)
    return matched[level].tolist(), to_ignored[level].tolist()


def test_matching_is_greedy_by_score_and_not_optimal():
    # The first takes the better one, and leaves nothing for the second.
    assert matched_at(0.5, [[0.7, 0.8], [0.4, 0.9]])[0] == [True, False]
    assert matched_at(0.75, [[0.9, 0.8], [0.9, 0.7]])[0] == [True, False]


def test_an_iou_that_equals_the_threshold_matches():
    assert matched_at(0.5, [[0.5, 0.0]])[0] == [True]
    assert matched_at(0.75, [[0.75, 0.0]])[0] == [True]


def test_an_ignored_one_is_taken_only_if_no_other_fits():
    ignored = np.array([True, False])
    assert matched_at(0.5, [[0.9, 0.6]], ignored) == ([True], [False])
    assert matched_at(0.65, [[0.9, 0.6]], ignored) == ([True], [True])
    # Ignored for its area it is used up, as a crowd it is not.
    twice = [[0.9, 0.0], [0.8, 0.0]]
    assert matched_at(0.5, twice, ignored) == ([True, False], [True, False])
    assert matched_at(0.5, twice, ignored, ignored) == ([True, True], [True, True])


def test_average_area_is_over_frames_with_an_area():
    assert average_area([None, 4, 0, 5.0]) == 4.5
    assert average_area([None, 0]) == average_area([]) == 0


def test_ranges_include_both_ends():
    """An object of 16384 = 128^2 pixels is small and medium."""
    mask = np.zeros((8, 10), dtype=bool)
    mask[0, :3] = True
    annotation = to_annotation(1, 1, 1, [mask]) | {'areas': [128**2]}
    truth = to_ground_truth({1: 1}, [annotation], [1])
    metrics = evaluate_results([to_result(1, 1, 0.5, [mask])], truth)
    assert metrics['AP_s'] == metrics['AP_m'] == metrics['AP']
    assert metrics['AP_l'] is None


@pytest.mark.parametrize(
    ('ranges', 'unit', 'reason'),
    [
        ({'s': (3, 1)}, 'pixel', "'s' is not"),
        ({'s': (3,)}, 'pixel', "'s' is not"),
        (None, 'frame', 'needs area_ranges'),
        (None, 'metre', 'metre'),
    ],
)
def test_ranges_that_cannot_be_understood(ranges, unit, reason):
    with pytest.raises(ValueError, match=reason):
        check_area_ranges(ranges, unit)


def test_order_of_equal_scores_in_different_videos_is_by_video_id():
    """A hit in video 2 comes before a miss in video 10, whatever the file's order."""
    hit, miss = np.zeros((2, 8, 10), dtype=bool)
    hit[0, :3] = miss[5, :3] = True
    annotations = [to_annotation(1, 2, 1, [hit])]
    results = [to_result(10, 1, 0.5, [miss]), to_result(2, 1, 0.5, [hit])]
    for lengths in ({2: 1, 10: 1}, {10: 1, 2: 1}):
        truth = to_ground_truth(lengths, annotations, [1])
        assert evaluate_results(results, truth)['AP'] == pytest.approx(1.0)


def test_no_video_is_no_number():
    metrics = evaluate_results([], to_ground_truth({}, [], [1]))
    assert set(metrics.values()) == {None}
