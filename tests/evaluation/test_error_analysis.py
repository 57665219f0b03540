"""Errors that are known by construction, and what fixing them must give."""

import functools

import brute_force
import numpy as np
import pytest
from error_scenes import LOWER, SCENES, UPPER, A, B, Scene, moving, only
from random_cases import random_case, to_annotation, to_ground_truth, to_result

from mmvis.evaluation import evaluate_results
from mmvis.evaluation.error_analysis import analyze_errors
from mmvis.evaluation.error_analysis.analysis import (
    EVERYTHING,
    FALSE_NEGATIVES,
    FALSE_POSITIVES,
)
from mmvis.evaluation.error_analysis.kinds import KINDS, TEMPORAL
from mmvis.evaluation.error_analysis.tables import format_errors, to_dict
from mmvis.evaluation.vis_eval import IOU_THRESHOLDS

# Track ids of random cases restart in each video, which the reader says.
pytestmark = pytest.mark.filterwarnings('ignore:.*annotation id is used again')


def scene_of(*names: str) -> Scene:
    scene = Scene()
    for name in names:
        scene.add(*SCENES[name][:2], attributes=[name])
    return scene


@functools.cache
def analysis_at(threshold: float):
    """Of all scenes."""
    scene = scene_of(*SCENES)
    return analyze_errors(scene.results, scene.truth, threshold)


@pytest.fixture
def all_scenes():
    return analysis_at(0.5)


@pytest.mark.parametrize('name', SCENES)
def test_kinds(name):
    """Each kind where it is known; all of them fixed, nothing is left to gain."""
    scene = scene_of(name)
    _, _, false_positives, false_negatives = SCENES[name]
    analysis = analyze_errors(scene.results, scene.truth)
    for kind in KINDS:
        expected = false_positives.count(kind), false_negatives.count(kind)
        assert analysis.num_errors([kind]) == expected, kind
    for error in analysis.errors[0]:
        assert error.false_positive or error.claims or error.kind == 'missed'
    present = tuple(sorted({*false_positives, *false_negatives}))
    assert analysis.average_precision(present) == pytest.approx(1.0)
    # At other thresholds the same tracks may be errors of other kinds.
    for averaged in (False, True):
        fixed = analysis.average_precision(EVERYTHING, averaged=averaged)
        assert fixed == pytest.approx(1.0)


def test_each_kind_is_found_among_all_others(all_scenes):
    """Many videos at once: kinds add up, and attributes single them out again."""
    analysis = all_scenes
    for kind in KINDS:
        wrong = sum(false.count(kind) for _, _, false, _ in SCENES.values())
        lost = sum(false.count(kind) for _, _, _, false in SCENES.values())
        assert analysis.num_errors([kind]) == (wrong, lost)
        assert analysis.gain((kind,)) > 0
    alone = scene_of('tracks that swap')
    for fixed in ((), TEMPORAL):
        ap = analysis.average_precision(fixed, attribute='tracks that swap')
        assert ap == analyze_errors(alone.results, alone.truth).average_precision(fixed)


# What this track would be in all frames, where its masks are not the object's own.
MENDED = {'good in one frame': moving(0, right=1)}


def mended(kind, video, error, gt) -> list[dict | None]:
    """Masks of a track once one error is repaired."""
    own = video.detections[error.detection]['segmentations']
    objects = video.objects[gt]['segmentations']
    if kind == 'classification':
        return own
    if kind == 'spatial':
        on = video.places[:, error.detection] == gt
        return [o if here else t for o, t, here in zip(objects, own, on, strict=True)]
    (name,) = video.video['attributes']
    if name in MENDED and kind in TEMPORAL:
        return to_result(0, A, 0.0, MENDED[name])['segmentations']
    return objects


@pytest.mark.parametrize('iou', [0.5, 0.75])
@pytest.mark.parametrize('kind', KINDS)
def test_gains_are_those_of_repaired_files(kind, iou):
    """The metric itself, on results and annotations that are repaired as files."""
    scene, analysis = scene_of(*SCENES), analysis_at(iou)
    removed, dropped, added = [], [], []
    for video, errors in zip(analysis.videos, analysis.errors, strict=True):
        errors = [error for error in errors if error.kind == kind]
        scores = {d['score'] for d in video.detections}
        assert len(scores) == len(video.detections)
        removed += [e.score for e in errors if e.false_positive]
        dropped += [video.objects[e.target]['id'] for e in errors if kind == 'missed']
        for gt in {gt for error in errors for gt in error.claims}:
            claims = [error for error in errors if gt in error.claims]
            error = max(claims, key=lambda error: error.score)
            track = {**video.objects[gt], 'score': error.score}
            track['segmentations'] = mended(kind, video, error, gt)
            keys = ('video_id', 'category_id', 'score', 'segmentations')
            added.append({key: track[key] for key in keys})
    results = [r for r in scene.results if r['score'] not in removed] + added
    truth = scene.truth
    truth['annotations'] = [a for a in truth['annotations'] if a['id'] not in dropped]
    metrics = evaluate_results(results, truth)
    fixed = analysis.average_precision((kind,))
    assert fixed == pytest.approx(metrics[analysis.threshold_name], abs=1e-12)


@pytest.mark.parametrize('where', [{}, {'category': B}, {'attribute': 'too short'}])
def test_averaged_gains_are_those_at_each_threshold(all_scenes, where):
    """Kinds are decided again at each; so no gain is below zero."""
    alone = [analysis_at(threshold) for threshold in IOU_THRESHOLDS.tolist()]
    for fixed in [*KINDS, TEMPORAL, FALSE_POSITIVES, FALSE_NEGATIVES, EVERYTHING]:
        gains = [one.gain(fixed, **where) for one in alone]
        assert min(gains) >= -1e-12
        gain = all_scenes.gain(fixed, averaged=True, **where)
        assert gain == pytest.approx(np.mean(gains), abs=1e-12)


def test_a_better_duplicate_does_not_cost():
    """At 0.5 a whole track doubles a higher one of six frames; at 0.75 it is right."""
    scene = Scene().add([(A, UPPER)], [(A, only(UPPER, 0, 6)), (A, UPPER)])
    analysis = analyze_errors(scene.results, scene.truth)
    assert analysis.num_errors(['duplicate']) == (1, 0)
    assert analysis.gain('background', averaged=True) == 0
    assert '-0.000' not in format_errors(analysis)
    assert analysis.gain('duplicate', averaged=True) >= 0
    assert analysis.average_precision(EVERYTHING, averaged=True) == pytest.approx(1.0)


@pytest.mark.parametrize(('iou', 'key'), [(0.5, 'AP50'), (0.75, 'AP75')])
def test_random_cases(iou, key):
    """Base numbers are the metric's; counts are the brute force's; gains are none
    below zero; everything fixed is perfect."""
    level = {0.5: brute_force.AP50, 0.75: brute_force.AP75}[iou]
    threshold = brute_force.IOU_THRESHOLDS[level]
    lost_any = False
    for seed in range(12):
        truth, results = random_case(seed)
        truth['annotations'] = [
            a for a in truth['annotations'] if any(a['segmentations'])
        ]
        analysis = analyze_errors(results, truth, iou)
        metrics = evaluate_results(results, truth)
        assert analysis.average_precision() == metrics[key]
        assert analysis.average_precision(averaged=True) == metrics['AP']

        wrong = hits = 0
        for videos in brute_force.collect(truth, results):
            ranked = brute_force.ranked_hits(
                videos, brute_force.ALL_AREAS, 100, threshold
            )
            hits += sum(ranked)
            wrong += len(ranked) - sum(ranked)
        objects = sum(not a['iscrowd'] for a in truth['annotations'])
        assert analysis.num_errors() == (wrong, objects - hits)
        assert objects == sum(analysis.num_objects().values())
        assert analysis.confusion().sum() == objects
        lost_any |= objects > hits

        for averaged in (False, True):
            for fixed in [*KINDS, TEMPORAL, FALSE_POSITIVES, FALSE_NEGATIVES]:
                gain = analysis.gain(fixed, averaged=averaged)
                assert gain is None if metrics['AP'] is None else gain >= -1e-12
            perfect = analysis.average_precision(EVERYTHING, averaged=averaged)
            assert perfect == (None if metrics['AP'] is None else pytest.approx(1.0))
    assert lost_any


def test_quality_and_association_against_pixels():
    """Their definition, with loops over decoded masks."""
    checked = 0
    for seed in range(25):
        truth, results = random_case(seed)
        analysis = analyze_errors(results, truth)
        for video in analysis.videos:
            tracks, objects = (
                [
                    [brute_force.decode(rle) or [[0]] for rle in entry['segmentations']]
                    for entry in entries
                ]
                for entries in (video.detections[:6], video.objects)
            )
            for d, track in enumerate(tracks):
                sums = np.zeros((len(objects), 2, 3))
                for t, mask in enumerate(track):
                    mask = np.array(mask, dtype=bool)
                    triples = []
                    for frames in objects:
                        other = np.array(frames[t], dtype=bool)
                        both, either = mask & other, mask | other
                        triples.append([both.sum(), either.sum(), other.sum()])
                    ious = [
                        0 if crowd else i / max(u, 1)
                        for (i, u, _), crowd in zip(triples, video.crowd, strict=True)
                    ]
                    best = max(ious, default=0)
                    place = ious.index(best) if best >= 0.1 else -1
                    assert video.places[t, d] == place
                    for g, triple in enumerate(triples):
                        sums[g, int(g == place)] += triple
                for g, (off, on) in enumerate(sums):
                    if on[1]:
                        assert video.mask_quality[d, g] == on[0] / on[1]
                        perfect = on[2] / (on[2] + off[1])
                        assert video.association[d, g] == pytest.approx(perfect)
                        checked += 1
    assert checked > 100


def test_order_of_results_changes_nothing():
    rng = np.random.default_rng(0)
    truth, results = random_case(11)
    results = [{**r, 'score': 0.1 + 0.001 * i} for i, r in enumerate(results)]
    expected = to_dict(analyze_errors(results, truth))
    assert expected['kinds']['all false positives']['gain_AP50'] > 0
    for _ in range(3):
        shuffled = [results[i] for i in rng.permutation(len(results))]
        assert to_dict(analyze_errors(shuffled, truth)) == expected


def test_best_track_decides_the_confusion():
    scene = Scene().add([(A, UPPER), (B, LOWER)], [(B, UPPER), (A, UPPER)])
    analysis = analyze_errors(scene.results, scene.truth)
    assert analysis.confusion().tolist() == [[0, 1, 0], [0, 0, 1]]


def test_crowds_are_no_errors():
    crowd = to_annotation(1, 1, A, UPPER, iscrowd=1)
    annotations = [crowd, to_annotation(2, 1, A, LOWER)]
    truth = to_ground_truth({1: len(UPPER)}, annotations, [A])
    tracks = [to_result(1, A, score, UPPER) for score in (0.9, 0.8)]
    analysis = analyze_errors(tracks, truth)
    assert analysis.num_errors() == (0, 1)
    assert analysis.num_errors(['missed']) == (0, 1)


def test_tables_agree_with_the_analysis(all_scenes):
    analysis = all_scenes
    numbers = to_dict(analysis)
    parts = [numbers['kinds'][kind] for kind in TEMPORAL]
    for count in ('false_positives', 'false_negatives'):
        assert numbers['kinds']['temporal'][count] == sum(p[count] for p in parts)
    gain = np.mean([c['classification'] for c in numbers['categories'].values()])
    assert gain == pytest.approx(numbers['kinds']['classification']['gain_AP50'])
    assert 'id switch' in format_errors(analysis)


@pytest.mark.parametrize('iou', [0.3, 0.52, 1.0])
def test_thresholds_of_the_metric_only(iou):
    with pytest.raises(ValueError, match=r'0\.5, 0\.55'):
        analyze_errors([], scene_of('right').truth, iou)


def test_files_without_labels_or_with_other_videos():
    scene = scene_of('right')
    truth = scene.truth
    del truth['annotations']
    with pytest.raises(ValueError, match='has no annotations'):
        analyze_errors(scene.results, truth)
    stray = [{**scene.results[0], 'video_id': 99}]
    with pytest.raises(ValueError, match=r'video 99.*no such video'):
        analyze_errors(stray, scene.truth)
