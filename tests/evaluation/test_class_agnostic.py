"""All categories as one: against the official code, a relabelled set and by hand."""

import contextlib
import copy
import io

import numpy as np
import pytest
from brute_force import brute_force_vis_ap
from mmdet.evaluation.functional import YTVIS, YTVISeval
from random_cases import (
    AREA_RANGES,
    random_case,
    to_annotation,
    to_ground_truth,
    to_result,
)

from mmvis.evaluation import evaluate_results
from mmvis.evaluation.evaluate_results import build_ground_truth, load_ground_truth
from mmvis.evaluation.summary import evaluate_tracks, format_tables

pytestmark = pytest.mark.filterwarnings('ignore:.*annotation id is used again')
NAMES = ['AP', 'AP50', 'AP75', 'AP_s', 'AP_m', 'AP_l', 'AR1', 'AR10', 'AR100']


def agnostic(ground_truth, results, **options) -> dict:
    metrics = evaluate_results(
        results,
        ground_truth,
        area_ranges=AREA_RANGES,
        count_empty=True,
        class_agnostic=True,
        **options,
    )
    return {
        key.removesuffix('_agnostic'): value
        for key, value in metrics.items()
        if key.endswith('_agnostic')
    }


def assert_same(actual, expected, note):
    for key, value in expected.items():
        if value is None:
            assert actual[key] is None, (note, key)
        else:
            assert actual[key] == pytest.approx(value, rel=0, abs=1e-12), (note, key)


def official(ground_truth, results) -> dict:
    """mmdet's copy of the official code, told to leave categories out of account."""
    ground_truth, results = copy.deepcopy((ground_truth, results))
    for number, annotation in enumerate(ground_truth['annotations'], start=1):
        annotation['id'] = number
    with contextlib.redirect_stdout(io.StringIO()):
        truth = YTVIS(ground_truth)
        evaluation = YTVISeval(truth, truth.loadRes(results), 'segm')
        ranges = [AREA_RANGES[name] for name in ('s', 'm', 'l')]
        evaluation.params.areaRng = [[0, 1e10], *map(list, ranges)]
        evaluation.params.useCats = 0
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = evaluation.stats[: len(NAMES)]
    return {n: None if s == -1 else s for n, s in zip(NAMES, stats, strict=True)}


def relabelled(ground_truth, results):
    """The set with one category, in the order in which the official code reads it."""

    def as_one(items):
        ordered = sorted(items, key=lambda item: item['category_id'])
        return [{**item, 'category_id': 1} for item in ordered]

    one = {**ground_truth, 'categories': [{'id': 1, 'name': 'thing'}]}
    return {**one, 'annotations': as_one(ground_truth['annotations'])}, as_one(results)


def test_official_code_without_categories(monkeypatch):
    monkeypatch.setattr(np, 'float', float, raising=False)  # older copies need it
    compared = differ = 0
    for seed in range(60):
        ground_truth, results = random_case(seed)
        if not results:  # its loadRes raises IndexError
            continue
        expected = official(ground_truth, results)
        assert_same(agnostic(ground_truth, results), expected, f'seed {seed}')
        differ += expected['AP'] != evaluate_results(results, ground_truth)['AP']
        compared += 1
    assert compared > 45 and differ > 25


def test_relabelled_sets_pixel_by_pixel():
    for seed in range(60, 90):
        ground_truth, results = random_case(seed)
        expected = brute_force_vis_ap(*relabelled(ground_truth, results), AREA_RANGES)
        assert_same(agnostic(ground_truth, results), expected, f'seed {seed}')


def scene():
    """Two objects of two categories in one video; each is called by the other's."""
    first, second = np.zeros((2, 8, 10), dtype=bool)
    first[0, :3] = second[5, :3] = True
    annotations = [to_annotation(1, 1, 1, [first]), to_annotation(2, 1, 2, [second])]
    truth = to_ground_truth({1: 1}, annotations, [1, 2])
    truth['videos'][0]['attributes'] = ['twins']
    results = [to_result(1, 2, 0.9, [first]), to_result(1, 1, 0.5, [second])]
    return truth, results


def test_by_hand_what_is_called_wrong_is_found():
    truth, results = scene()
    metrics = evaluate_results(results, truth, class_agnostic=True, classwise=True)
    assert metrics['AP'] == metrics['twins_AP'] == 0
    assert metrics['AP_agnostic'] == pytest.approx(1)
    assert metrics['twins_AP_agnostic'] == pytest.approx(1)
    assert metrics['AR1_agnostic'] == 0.5  # one prediction a video for two objects
    assert not any('precision_' in key for key in metrics)


def test_categories_left_out_are_left_out():
    """What finds the object is called by a category that is not evaluated."""
    truth, results = scene()
    ground_truth = build_ground_truth(load_ground_truth(truth), [2])
    metrics = evaluate_tracks(ground_truth, results, class_agnostic=True)
    assert metrics['AP_agnostic'] == metrics['AP'] == 0
    assert metrics['AR100_agnostic'] == 0


def test_tables_show_both():
    truth, results = scene()
    text = format_tables(evaluate_results(results, truth, class_agnostic=True))
    rows = [line.split('│')[1:3] for line in text.splitlines() if '│' in line]
    cells = {name.strip(): value.strip() for name, value in rows}
    assert cells['each'] == '0.000' and cells['as one'] == '1.000'
    twins = next(line for line in text.splitlines() if 'twins' in line)
    assert twins.split('│')[2:4] == [' 0.000 ', '  1.000 ']
    alone = format_tables(evaluate_results(results, truth))
    assert 'as one' not in alone
