"""Mean and spread over results files, against closed forms."""

import json
import statistics

import pytest
from error_scenes import LOWER, SCENES, UPPER, A, B, Scene

from mmvis.evaluation import evaluate_results
from mmvis.evaluation.run_statistics import Spread, compare_runs, format_runs, to_dict


@pytest.fixture(scope='module')
def runs():
    """Ground truth, and results with one, two and all of its three objects."""
    tracks = [(A, UPPER), (A, LOWER), (B, UPPER)]
    scene = Scene().add(tracks[:2], tracks[:2], ['two']).add(tracks[2:], tracks[2:])
    return scene.truth, [scene.results[:n] for n in (1, 2, 3)]


def test_numbers_of_a_group(runs):
    truth, results = runs
    compared = compare_runs({'seeds': results, 'best': results[2:]}, truth)
    metrics = [evaluate_results(r, truth, classwise=True) for r in results]
    for key in ('AP', 'AP50', 'two_AP', f'category {A}_precision'):
        values = [m[key] for m in metrics]
        spread = compared['seeds'][key]
        assert spread.values == tuple(values)
        assert spread.mean == pytest.approx(statistics.mean(values))
        assert spread.std == pytest.approx(statistics.stdev(values))
        assert (spread.minimum, spread.maximum) == (min(values), max(values))
    assert compared['best']['AP'].mean == pytest.approx(1.0)
    assert compared['best']['AP'].std is None
    json.dumps(to_dict(compared), allow_nan=False)
    text = format_runs(compared)
    assert 'seeds (3 runs)' in text and 'best (1 run)' in text
    ap = compared['seeds']['AP']
    assert ap.minimum < ap.maximum
    assert f'{ap.mean:.3f} ± {ap.std:.3f}  [{ap.minimum:.3f}, {ap.maximum:.3f}]' in text
    assert 'one run tells nothing' in text


def test_standard_error_of_a_difference(runs):
    truth, results = runs
    compared = compare_runs({'a': results, 'b': results[1:]}, truth)
    error = (compared['a']['AP'].std ** 2 / 3 + compared['b']['AP'].std ** 2 / 2) ** 0.5
    text = format_runs(compared)
    assert f'standard error {error:.3f}' in text
    difference = compared['b']['AP'].mean - compared['a']['AP'].mean
    assert difference > 0 and f'{difference:+.3f}' in text


def test_nothing_to_measure():
    spread = Spread((None, None))
    assert (spread.mean, spread.std, spread.minimum) == (None, None, None)
    scene = Scene().add(*SCENES['twice'][:2])
    compared = compare_runs({'one': [scene.results]}, scene.truth)
    assert compared['one'][f'category {B}_precision'].mean is None
    assert ' - ' in format_runs(compared)


def test_mistakes_name_the_file(runs, tmp_path):
    truth, results = runs
    path = tmp_path / 'other.json'
    path.write_text(json.dumps([{**results[0][0], 'video_id': 99}]))
    with pytest.raises(ValueError, match=r'other\.json.*video 99'):
        compare_runs({'a': [results[0], path]}, truth)
    with pytest.raises(ValueError, match='has no results file'):
        compare_runs({'a': []}, truth)
