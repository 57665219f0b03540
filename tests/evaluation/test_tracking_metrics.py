"""HOTA, IDF1 and MOTA: a case by hand, and what TrackEval itself makes of our files."""

import contextlib
import io
import json
import sys

import numpy as np
import pytest
from error_scenes import LOWER, UPPER, A, B, Scene, only, square, then
from random_cases import random_case

from mmvis.datasets.formats.writers.objects import without_overlaps
from mmvis.datasets.formats.writers.trackeval_files import write_for_trackeval
from mmvis.engine.command_line import user_message
from mmvis.evaluation.error_analysis import analyze_errors
from mmvis.evaluation.error_analysis.report import write_report
from mmvis.evaluation.evaluate_results import load_ground_truth
from mmvis.evaluation.results_as_annotations import results_as_annotations
from mmvis.evaluation.tracking_metrics import format_track_metrics, track_metrics
from mmvis.evaluation.youtube_vis_metric import YouTubeVISMetric

needs_trackeval = pytest.mark.skipif(
    'not __import__("importlib.util").util.find_spec("trackeval")',
    reason='TrackEval is optional',
)


@needs_trackeval
def test_a_case_by_hand():
    # Two objects of ten frames. One track has the first for six frames and the second
    # for four; another has the second for its first six. 12 + 4 hits of 20 detections.
    swap = then(UPPER, LOWER, 6)
    scene = Scene().add([(A, UPPER), (A, LOWER)], [(A, swap), (A, only(LOWER, 0, 6))])
    scene.add([(B, UPPER)], [], ['fast'])
    measured = track_metrics(scene.results, scene.truth, 0.5)
    of_a, numbers = measured.classes[f'category {A}'], measured.overall
    assert of_a['DetA'] == pytest.approx(16 / 20)
    # 6 hits of upper: 6 / (10 + 10 - 6); 6 of lower with the second track: 6 / 10;
    # 4 of lower with the first: 4 / (10 + 10 - 4).
    association = (6 * 6 / 14 + 6 * 6 / 10 + 4 * 4 / 16) / 16
    assert of_a['AssA'] == pytest.approx(association)
    assert of_a['HOTA'] == pytest.approx(np.sqrt(0.8 * association))
    assert of_a['LocA'] == 1
    # Identities: upper with the first track (6), lower with the second (6).
    assert of_a['IDF1'] == pytest.approx(2 * 12 / (20 + 16))
    # Lower changes its track once; four detections of upper are missed.
    assert (of_a['IDSW'], of_a['MOTA']) == (1, pytest.approx((16 - 1) / 20))
    # Nothing is found of the other category.
    assert numbers['DetA'] == pytest.approx(16 / 30)
    assert numbers['MOTA'] == pytest.approx((16 - 1) / 30)
    assert measured.mean['DetA'] == pytest.approx(0.8 / 2)
    assert measured.attributes['fast']['HOTA'] == 0
    table = format_track_metrics(measured, classwise=True)
    assert f'{of_a["HOTA"]:.3f}' in table and 'fast' in table


@needs_trackeval
def test_a_score_leaves_tracks_out_and_the_sweep_finds_it():
    wrong = [(A, [square(2, 5)] * 10)] * 5
    scene = Scene().add([(A, UPPER)], [(A, UPPER), *wrong])
    for result in scene.results[1:]:
        result['score'] = 0.4
    strict, loose = (track_metrics(scene.results, scene.truth, s) for s in (0.5, 0.3))
    assert strict.overall['HOTA'] == 1 and loose.overall['MOTA'] < 0
    assert loose.best_score == 0.45 and loose.sweep[0.45]['HOTA'] == 1
    best = track_metrics(scene.results, scene.truth, 'best')
    assert (best.score, best.overall) == (0.45, strict.overall)
    assert best.flat()['best_track_score'] == 0.45


def trackeval_says(out, kind, names=None):
    """TrackEval's own run on a folder: its results of all sequences by class."""
    import trackeval

    names = {} if names is None else {'CLASSES_TO_EVAL': names}
    slash = '/' if kind == 'YouTubeVIS' else ''
    quiet = {'PRINT_CONFIG': False}
    with contextlib.redirect_stdout(io.StringIO()):
        data = getattr(trackeval.datasets, kind)(
            dict(
                GT_FOLDER=f'{out}/gt{slash}',
                TRACKERS_FOLDER=f'{out}/trackers{slash}',
                SPLIT_TO_EVAL='val',
                **quiet,
                **names,
            )
        )
        evaluator = trackeval.Evaluator(
            dict(
                PLOT_CURVES=False,
                OUTPUT_SUMMARY=False,
                OUTPUT_DETAILED=False,
                PRINT_RESULTS=False,
                TIME_PROGRESS=False,
                LOG_ON_ERROR=None,
                **quiet,
            )
        )
        metrics = [
            trackeval.metrics.HOTA(),
            trackeval.metrics.CLEAR(quiet),
            trackeval.metrics.Identity(quiet),
        ]
        found, _ = evaluator.evaluate([data], metrics)
    return next(iter(found.values()))['mmvis']['COMBINED_SEQ']


def assert_same(ours, theirs):
    for key, value in ours.items():
        metric = {'IDF1': 'Identity'}.get(key, 'HOTA' if key[-1] == 'A' else 'CLEAR')
        metric = 'CLEAR' if 'MOTA' in key else metric
        assert value == pytest.approx(np.mean(theirs[metric][key]), abs=1e-12), key


def whole_case(seed, crowds):
    """A random case without masks of no pixel, which TrackEval counts as found."""
    truth, results = random_case(seed)
    truth['annotations'] = [a for a in truth['annotations'] if any(a['areas'])]
    for number, annotation in enumerate(truth['annotations'], 1):
        annotation['id'] = number
        annotation['iscrowd'] &= crowds
        annotation['areas'] = [
            None if m is None else 1 for m in annotation['segmentations']
        ]
    return load_ground_truth(truth), results


@needs_trackeval
@pytest.mark.parametrize('seed', [3, 8, 21])
def test_youtube_vis_files_have_the_same_numbers(seed, tmp_path):
    truth, results = whole_case(seed, crowds=0)
    predicted = results_as_annotations(results, truth, 0.4)
    write_for_trackeval(truth, predicted, tmp_path / 'out', 'youtube-vis')
    theirs = trackeval_says(tmp_path / 'out', 'YouTubeVIS')
    measured = track_metrics(results, truth, 0.4)
    assert measured.classes
    assert_same(measured.overall, theirs['cls_comb_det_av'])
    for name, row in measured.classes.items():
        assert_same(row, theirs[name])


def flat(content):
    """Annotations of which no pixel is in two."""
    for video in content.videos:
        tracks = [a for a in content.annotations if a['video_id'] == video['id']]
        for frame in range(video['length']):
            size = (video['height'], video['width'])
            masks, _ = without_overlaps(tracks, frame, *size)
            for track, mask in zip(tracks, masks, strict=True):
                track['segmentations'][frame] = mask
    return content


@needs_trackeval
@pytest.mark.parametrize(
    'layout, kind', [('mots', 'MOTSChallenge'), ('kitti-mots', 'KittiMOTS')]
)
@pytest.mark.parametrize('seed', [13, 22])
def test_mots_files_have_the_same_numbers(seed, layout, kind, tmp_path):
    truth, results = whole_case(seed, crowds=1)
    truth = flat(truth)
    predicted = flat(results_as_annotations(results, truth, 0.2))
    notes = write_for_trackeval(truth, predicted, tmp_path / 'out', layout)
    assert any('is written as ' in note for note in notes)
    theirs = trackeval_says(tmp_path / 'out', kind)
    tracks = [
        {k: track[k] for k in ('video_id', 'category_id', 'score', 'segmentations')}
        for track in predicted.annotations
    ]
    classes = list(track_metrics(tracks, truth, 0.0).classes.items())
    order = [c['name'] for c in truth.categories]
    written = dict(zip(order, ['car', 'pedestrian'], strict=False))
    if layout == 'mots':
        written = {order[0]: 'pedestrian'}
    compared = [(row, written[name]) for name, row in classes if name in written]
    assert compared
    for row, name in compared:
        assert_same(row, theirs[name])


def test_without_the_package_one_sentence_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, 'trackeval', None)
    monkeypatch.setattr(
        'mmvis.evaluation.tracking_metrics.trackeval_package.find_spec',
        lambda name: None,
    )
    for call in (
        lambda: YouTubeVISMetric(track_metrics=True),
        lambda: track_metrics([], {}),
    ):
        with pytest.raises(ImportError) as raised:
            call()
        assert 'pip install --no-deps trackeval' in user_message(raised.value)


@pytest.mark.parametrize('score', [-0.1, 2, 'good'])
def test_what_is_no_score_is_refused(score):
    with pytest.raises(ValueError, match='track_metrics is the score'):
        YouTubeVISMetric(track_metrics=score)


@needs_trackeval
def test_the_metric_and_the_command_give_the_same(tmp_path, monkeypatch, capsys):
    from prediction_factory import frame_samples, make_metric, process, two_videos

    path, tracks = two_videos(tmp_path)
    metric = make_metric(
        path, (40, 3), track_metrics=0.75, outfile_prefix=str(tmp_path / 'results')
    )
    for video_id, of_video in tracks.items():
        process(metric, frame_samples(video_id, of_video, len(of_video[0].frames)))
    numbers = metric.evaluate(2)
    # Of the three perfect tracks, that of 2 of 7 detections has a score of 0.7.
    assert numbers['youtube_vis/HOTA'] == pytest.approx(np.sqrt(5 / 7))
    assert numbers['youtube_vis/best_HOTA'] == 1
    monkeypatch.syspath_prepend('tools/analysis_tools')
    import eval_results

    given = [str(tmp_path / 'results.json'), path, '--track-metrics', '0.75']
    given += ['--out', str(tmp_path / 'numbers.json')]
    given += ['--trackeval-files', 'kitti-mots', str(tmp_path / 'te')]
    monkeypatch.setattr(sys, 'argv', ['eval_results.py', *given])
    assert eval_results.main() == 0
    written = json.loads((tmp_path / 'numbers.json').read_text())
    assert written['HOTA'] == numbers['youtube_vis/HOTA']
    assert (tmp_path / 'te/gt/label_02/0000.txt').exists()
    assert 'HOTA' in capsys.readouterr().out


@needs_trackeval
def test_the_error_report_shows_them(tmp_path):
    scene = Scene().add([(A, UPPER), (B, LOWER)], [(A, UPPER)], ['<b>&'])
    measured = track_metrics(scene.results, scene.truth)
    path = tmp_path / 'report.html'
    analysis = analyze_errors(scene.results, scene.truth)
    write_report(analysis, path, cases_per_kind=0, tracking=measured)
    page = path.read_text()
    row = page[page.index('As a tracker') :]
    # One of two objects, found in all frames: DetA 1/2, AssA 1.
    assert row.index('0.707') < row.index('0.500') < row.index('1.000')
    assert '<b>&' not in page and '<polyline' in row
    write_report(analysis, path, cases_per_kind=0)
    assert 'As a tracker' not in path.read_text()
