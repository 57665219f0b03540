"""The metric against a pixel-by-pixel reference, and that against mmdet's copy.

Chain of trust: figures worked out by hand -> brute_force.py <- mmdet's copy of the
official code (ids renumbered, as its match tables need); brute_force.py -> the metric.
"""

import contextlib
import copy
import functools
import io

import numpy as np
import pytest
from brute_force import brute_force_vis_ap
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.evaluation.functional import YTVIS, YTVISeval
from random_cases import (
    AREA_RANGES,
    HEIGHT,
    WIDTH,
    random_case,
    to_annotation,
    to_ground_truth,
    to_result,
)

from mmvis.evaluation import evaluate_results

SEEDS = range(120)
# Ids that restart per video are wanted here; the reader warns of them each time.
pytestmark = pytest.mark.filterwarnings('ignore:.*annotation id is used again')


case_of = functools.cache(random_case)


@functools.cache
def reference_of(seed: int) -> dict:
    return brute_force_vis_ap(*case_of(seed), AREA_RANGES)


def assert_same(actual: dict, expected: dict, note: str = '') -> None:
    for key, value in expected.items():
        if value is None:
            assert actual[key] is None, (note, key, actual[key])
        else:
            assert actual[key] == pytest.approx(value, rel=0, abs=1e-12), (note, key)


def metrics_of(ground_truth: dict, results: list[dict], area_ranges: dict) -> dict:
    """The metric as the official code has it, which counts annotations of no pixel."""
    return evaluate_results(
        results, ground_truth, area_ranges=area_ranges, count_empty=True
    )


# --- The metric against the reference -------------------------------------------


@pytest.mark.parametrize('first', SEEDS[::40])
def test_random_cases(first):
    for seed in range(first, first + 40):
        ground_truth, results = case_of(seed)
        actual = metrics_of(ground_truth, results, AREA_RANGES)
        assert_same(actual, reference_of(seed), f'seed {seed}')


def test_annotations_without_pixels_count_only_on_request():
    """The default differs from the official code: what no frame shows is not missed."""
    different = 0
    for seed in SEEDS[:40]:
        ground_truth, results = case_of(seed)
        seen = [a for a in ground_truth['annotations'] if any(a['segmentations'])]
        expected = brute_force_vis_ap(
            {**ground_truth, 'annotations': seen}, results, AREA_RANGES
        )
        actual = evaluate_results(results, ground_truth, area_ranges=AREA_RANGES)
        assert_same(actual, expected, f'seed {seed}')
        different += expected != reference_of(seed)
    assert different >= 5


def test_random_cases_are_worth_comparing():
    """Agreement on zeros, ones and empty sets alone would prove little."""
    metrics = [reference_of(seed) for seed in SEEDS]
    for key in ('AP', 'AP50', 'AP75', 'AP_s', 'AP_m', 'AP_l', 'AR1', 'AR10', 'AR100'):
        values = [m[key] for m in metrics if m[key] is not None]
        between = [v for v in values if 0.02 < v < 0.98]
        assert len(between) > 0.3 * len(SEEDS), key
        assert max(between) > 0.6 and min(between) < 0.1, key
    complete = [m for m in metrics if m['AP'] is not None]
    assert 0 < len(complete) < len(metrics)
    assert all(m['AP_none'] is None for m in metrics)
    assert sum(m['AR1'] < m['AR10'] for m in complete) > 40
    assert sum(m['AR10'] < m['AR100'] for m in complete) > 15


def test_random_cases_hold_what_is_rare():
    """Each of these has its own way to go wrong."""
    seen = {}
    for seed in SEEDS:
        ground_truth, results = case_of(seed)
        annotations = ground_truth['annotations']
        ids = [a['id'] for a in annotations]
        places = [(r['video_id'], r['category_id']) for r in results]
        counts = [places.count(place) for place in set(places)]
        scores = [r['score'] for r in results]
        labelled = {a['category_id'] for a in annotations}
        rare = {
            'no results': not results,
            'no ground truth': not annotations,
            'annotation id 0': 0 in ids,
            'ids that restart': len(set(ids)) < len(ids),
            'video id 0': any(a['video_id'] == 0 for a in annotations),
            'category id 0': 0 in labelled,
            'category without ground truth': len(ground_truth['categories'])
            > len(labelled),
            'crowd': any(a['iscrowd'] for a in annotations),
            'null': any(None in a['segmentations'] for a in annotations),
            'ties': len(set(scores)) < len(scores),
            'more than 10': any(10 < count <= 100 for count in counts),
            'more than 100': any(count > 100 for count in counts),
        }
        for name, present in rare.items():
            seen[name] = seen.get(name, 0) + present
    assert min(seen.values()) >= 5, seen


BITS = 6  # pixels of the frames that hypothesis draws
MASKS = st.none() | st.integers(0, 2**BITS - 1)


def to_frames(codes: list[int | None]) -> list:
    """Masks whose first pixels are the bits of `codes`, at the size of the others."""
    frames = []
    for code in codes:
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask.flat[:BITS] = [(code or 0) >> bit & 1 for bit in range(BITS)]
        frames.append(None if code is None else mask)
    return frames


@st.composite
def small_cases(draw) -> tuple[dict, list[dict]]:
    """Like random_case, but tiny and free of any idea of what tracks look like."""
    video_ids = draw(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True))
    lengths = {video_id: draw(st.integers(1, 3)) for video_id in video_ids}
    categories = draw(st.permutations([0, 2, 7]))[: draw(st.integers(1, 3))]
    annotations, results = [], []
    for _ in range(draw(st.integers(0, 5))):
        video_id = draw(st.sampled_from(video_ids))
        length = lengths[video_id]
        codes = draw(st.lists(MASKS, min_size=length, max_size=length))
        taken = {a['id'] for a in annotations if a['video_id'] == video_id}
        annotation_id = min(set(range(6)) - taken)
        category_id = draw(st.sampled_from(categories))
        crowd = draw(st.integers(0, 1))
        annotations.append(
            to_annotation(annotation_id, video_id, category_id, to_frames(codes), crowd)
        )
        for _ in range(draw(st.integers(0, 3))):
            if draw(st.booleans()):
                frame = draw(st.integers(0, length - 1))
                codes = [*codes[:frame], draw(MASKS), *codes[frame + 1 :]]
            score = draw(st.sampled_from([0.2, 0.5, 0.9]))
            results.append(to_result(video_id, category_id, score, to_frames(codes)))
    return to_ground_truth(lengths, annotations, categories), results


@settings(max_examples=60, deadline=None)
@given(small_cases())
def test_drawn_cases(case):
    ground_truth, results = case
    ranges = {'s': (0.0, 2.0), 'm': (2.0, 3.0), 'l': (3.0, 1e10)}
    expected = brute_force_vis_ap(ground_truth, results, ranges)
    actual = metrics_of(ground_truth, results, ranges)
    assert_same(actual, expected)


# --- The reference against mmdet's copy of the official code ---------------------


def official_metrics(ground_truth: dict, results: list[dict]) -> dict:
    """AP, ... of mmdet's YTVISeval; ground truth ids are renumbered from 1 for it."""
    ground_truth, results = copy.deepcopy((ground_truth, results))
    for number, annotation in enumerate(ground_truth['annotations'], start=1):
        annotation['id'] = number
    with contextlib.redirect_stdout(io.StringIO()):
        truth = YTVIS(ground_truth)
        evaluation = YTVISeval(truth, truth.loadRes(results), 'segm')
        ranges = [AREA_RANGES[name] for name in ('s', 'm', 'l')]
        evaluation.params.areaRng = [[0, 1e10], *map(list, ranges)]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    names = ['AP', 'AP50', 'AP75', 'AP_s', 'AP_m', 'AP_l', 'AR1', 'AR10', 'AR100']
    stats = evaluation.stats[: len(names)]
    return {n: None if s == -1 else s for n, s in zip(names, stats, strict=True)}


def test_reference_is_the_official_protocol(monkeypatch):
    monkeypatch.setattr(np, 'float', float, raising=False)  # older copies need it
    compared = 0
    for seed in SEEDS[:60]:
        ground_truth, results = case_of(seed)
        if not results:  # its loadRes raises IndexError
            continue
        official = official_metrics(ground_truth, results)
        assert_same(reference_of(seed), official, f'seed {seed}')
        compared += 1
    assert compared > 45


# --- The reference against figures worked out by hand ----------------------------


def block(width: int) -> np.ndarray:
    """A mask of `width` pixels in a row."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[0, :width] = True
    return mask


def by_hand(truths, predictions, ranges=None) -> dict:
    """truths: (frames, iscrowd) of category 0; predictions: (frames, score)."""
    length = len(truths[0][0])
    annotations = [to_annotation(i, 0, 0, f, c) for i, (f, c) in enumerate(truths)]
    results = [to_result(0, 0, score, frames) for frames, score in predictions]
    ground_truth = to_ground_truth({0: length}, annotations, [0])
    expected = brute_force_vis_ap(ground_truth, results, ranges or {})
    actual = metrics_of(ground_truth, results, ranges or {})
    assert_same(actual, expected)
    return expected


def test_by_hand_iou_is_a_quotient_of_sums():
    """Frames of 4/4, 0/2 and 2/4 pixels give 6/10, not the mean of quotients (1/2)."""
    truth = [block(4), None, block(4)]
    metrics = by_hand([(truth, 0)], [([block(4), block(2), block(2)], 0.5)])
    assert metrics['AP'] == pytest.approx(0.3)  # thresholds 0.5, 0.55 and 0.6
    assert metrics['AR1'] == pytest.approx(0.3)


def test_by_hand_half_of_the_objects_found():
    """Precision 1 up to recall 0.5: 51 of the 101 points."""
    truths = [([block(3)], 0), ([np.roll(block(3), 4, axis=0)], 0)]
    assert by_hand(truths, [([block(3)], 0.5)])['AP'] == pytest.approx(51 / 101)


def test_by_hand_a_better_scored_false_alarm():
    """Precision 1/2 at the only hit; with one prediction a video there is no hit."""
    predictions = [([np.roll(block(3), 4, axis=0)], 0.9), ([block(3)], 0.5)]
    metrics = by_hand([([block(3)], 0)], predictions)
    figures = metrics['AP'], metrics['AR1'], metrics['AR10']
    assert figures == pytest.approx((0.5, 0.0, 1.0))


def test_by_hand_crowd_swallows_any_number():
    """Three predictions on the crowd are neither hits nor false alarms."""
    crowd = [np.roll(block(5), 4, axis=0)]
    predictions = [(crowd, 0.9), (crowd, 0.8), (crowd, 0.7), ([block(3)], 0.5)]
    metrics = by_hand([(crowd, 1), ([block(3)], 0)], predictions)
    assert metrics['AP'] == pytest.approx(1.0)


def test_by_hand_false_alarms_outside_the_range_are_ignored():
    """A false alarm of 6 pixels lowers the overall AP, and not that of its others."""
    predictions = [([np.roll(block(6), 4, axis=0)], 0.9), ([block(3)], 0.5)]
    ranges = {'s': (0, 4), 'l': (5, 10)}
    metrics = by_hand([([block(3)], 0)], predictions, ranges)
    assert (metrics['AP'], metrics['AP_s']) == pytest.approx((0.5, 1.0))
    assert metrics['AP_l'] is None


def test_by_hand_of_equal_ious_the_later_ground_truth_is_taken():
    """The first prediction fits both equally, the second one of them only."""
    fitting = [block(3), np.roll(block(3), 4, axis=0)]
    other = [block(3), np.roll(block(3), 6, axis=0)]
    predictions = [([block(3), None], 0.9), (fitting, 0.5)]
    metrics = by_hand([(fitting, 0), (other, 0)], predictions)
    assert metrics['AP50'] == pytest.approx(1.0)
    metrics = by_hand([(other, 0), (fitting, 0)], predictions)
    assert metrics['AP50'] == pytest.approx(51 / 101)
