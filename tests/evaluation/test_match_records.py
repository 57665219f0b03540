"""AP from records: the metric's on whole sets, and on resampled ones written out."""

import json

import numpy as np
import pytest
from random_cases import AREA_RANGES, random_case, to_annotation, to_ground_truth

from mmvis.evaluation import evaluate_results, match_records
from mmvis.evaluation.class_agnostic import (
    results_without_categories,
    without_categories,
)
from mmvis.evaluation.evaluate_results import build_ground_truth, load_ground_truth
from mmvis.evaluation.match_records import CategoryRecords, MatchRecords
from mmvis.evaluation.vis_eval import RECALL_POINTS

pytestmark = pytest.mark.filterwarnings('ignore:.*annotation id is used again')


def records_of(ground_truth, results, as_one=False) -> MatchRecords:
    """By way of json, as they are kept."""
    truth = build_ground_truth(load_ground_truth(ground_truth), None, AREA_RANGES)
    if as_one:
        results = results_without_categories(results, truth.category_ids)
        truth = without_categories(truth)
    records = MatchRecords.from_matches(truth, truth.match(results))
    return MatchRecords.from_json(json.loads(json.dumps(records.to_json())))


def with_attributes(ground_truth, rng):
    for video in ground_truth['videos']:
        video['attributes'] = [n for n in ('blur', 'twins') if rng.random() < 0.6]
    return ground_truth


def equal(actual, expected) -> bool:
    if expected is None:
        return np.isnan(actual)
    return abs(actual - expected) <= 1e-12


def test_whole_sets():
    """The metric's AP, of all videos and of an attribute's, of each and of one."""
    between = 0
    for seed in range(100):
        ground_truth, results = random_case(seed)
        with_attributes(ground_truth, np.random.default_rng(seed))
        expected = evaluate_results(results, ground_truth, class_agnostic=True)
        for as_one, ending in ((False, ''), (True, '_agnostic')):
            records = records_of(ground_truth, results, as_one)
            assert equal(records.average_precision()[0], expected[f'AP{ending}']), seed
            for name in records.attributes:
                (value,) = records.average_precision(attribute=name)
                assert equal(value, expected[f'{name}_AP{ending}']), (seed, name)
                between += 0.02 < value < 0.98
    assert between > 100


def written_out(ground_truth, results, counts):
    """The set in which each video stands as many times as it is drawn."""
    videos, annotations, predictions = [], [], []
    for video, count in zip(ground_truth['videos'], counts, strict=True):
        for _ in range(count):
            new = len(videos) + 1
            videos.append({**video, 'id': new})
            for items, copies in (
                (ground_truth['annotations'], annotations),
                (results, predictions),
            ):
                copies += [
                    {**item, 'video_id': new}
                    for item in items
                    if item['video_id'] == video['id']
                ]
    for number, annotation in enumerate(annotations, start=1):
        annotation['id'] = number
    whole = {**ground_truth, 'videos': videos, 'annotations': annotations}
    return whole, predictions


def test_resampled_sets():
    """Against the metric on the drawn videos, copied; no two scores are equal."""
    rng = np.random.default_rng(7)
    differ = 0
    for seed in range(25):
        ground_truth, results = random_case(seed)
        for score, result in enumerate(rng.permutation(len(results))):
            results[result] = {**results[result], 'score': 0.001 * (score + 1)}
        # Records know videos in the order of their ids.
        ground_truth['videos'].sort(key=lambda video: video['id'])
        records = records_of(ground_truth, results)
        count = len(ground_truth['videos'])
        weights = rng.multinomial(count, [1 / count] * count, size=4)
        values = records.average_precision(weights)
        for row, value in zip(weights, values, strict=True):
            whole, predictions = written_out(ground_truth, results, row)
            expected = evaluate_results(predictions, whole)['AP']
            assert equal(value, expected), (seed, row)
        differ += len(set(np.round(values, 9))) > 1
    assert differ > 10


def random_records(rng, videos=7):
    """Two categories with hits, errors and crowds in any order at all levels."""
    categories = []
    for detections in (40, 15):
        of = rng.integers(0, videos, detections)
        hits = rng.integers(0, 1024, detections) & rng.integers(0, 1024, detections)
        ignored = rng.integers(0, 1024, detections) & ~hits
        positives = np.bincount(of[hits > 0], minlength=videos)
        categories.append(CategoryRecords(positives, of, hits, ignored))
    carry = np.arange(videos) % 3 != 1
    return MatchRecords(categories, {'blur': carry}, videos)


def plain_average_precision(category, weights):
    """One detection after the other, of one multiset."""
    positives = int(weights @ category.positives)
    levels = []
    for level in range(10):
        true, total, recalls, precisions = 0, 0, [], []
        for video, hits, ignored in zip(
            category.videos, category.hits, category.ignored, strict=True
        ):
            true += weights[video] * (hits >> level & 1)
            total += weights[video] * (1 - (ignored >> level & 1))
            recalls.append(true / positives)
            precisions.append(true / total if total else 0.0)
        levels += [
            max(
                (p for r, p in zip(recalls, precisions, strict=True) if r >= x),
                default=0,
            )
            for x in RECALL_POINTS
        ]
    return np.mean(levels)


def test_many_multisets_some_at_a_time(monkeypatch):
    """More than go at once, of all videos and of an attribute's."""
    monkeypatch.setattr(match_records, '_CELLS', 300)
    monkeypatch.setattr(match_records, '_LEAST', 2)
    rng = np.random.default_rng(3)
    for _ in range(4):
        records = random_records(rng)
        weights = rng.integers(0, 4, (9, 7))
        weights[:, [0, 6]] += 1  # there is something to find
        for attribute, carry in ((None, 1), ('blur', records.attributes['blur'])):
            expected = [
                np.mean([plain_average_precision(c, w) for c in records.categories])
                for w in weights * carry
            ]
            found = records.average_precision(weights, attribute)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
            assert len(set(np.round(found, 9))) > 5


def test_so_many_copies_that_single_floats_would_not_count_them():
    """5,001 detections, the last a hit, 4,001 times each: an odd number above 2^24."""
    last = np.arange(5001) == 5000
    one = np.ones(1, dtype=np.int64)
    category = CategoryRecords(one, 0 * last, 1023 * last, 0 * last)
    (value,) = MatchRecords([category], {}, 1).average_precision(4001 * one[None])
    assert value == pytest.approx(1 / 5001, rel=1e-10)


def test_nothing_to_find():
    """A draw of videos without objects has no AP, not one of zero."""
    mask = np.zeros((8, 10), dtype=bool)
    mask[0, :3] = True
    truth = to_ground_truth({1: 1, 2: 1}, [to_annotation(1, 1, 1, [mask])], [1])
    values = records_of(truth, []).average_precision(np.array([[0, 2], [1, 1], [2, 0]]))
    np.testing.assert_array_equal(values, [np.nan, 0, 0])


def test_an_attribute_that_no_video_carries():
    truth = to_ground_truth({1: 1}, [], [1])
    with pytest.raises(ValueError, match="'blurr'"):
        records_of(truth, []).average_precision(attribute='blurr')
