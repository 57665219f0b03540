"""The metric as mmengine drives it. Many cases are faults of mmdet's."""

import json

import numpy as np
import pytest
import torch
from mmdet.structures import TrackDataSample
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from prediction_factory import (
    Predicted,
    box_mask,
    frame_samples,
    make_metric,
    process,
    two_videos,
    write_ground_truth,
)
from random_cases import HEIGHT, WIDTH, to_annotation

from mmvis.evaluation import YouTubeVISMetric, evaluate_results
from mmvis.registry import METRICS

LENGTHS = {7: 3, 0: 2}
# With a single hit the protocol's precision is 1 / (1 + 2^-52).
ONE = pytest.approx(1.0, abs=1e-15)


def run(metric, tracks, chunk=None, as_rle=True) -> dict:
    for video_id, of_video in tracks.items():
        samples = frame_samples(video_id, of_video, LENGTHS[video_id], as_rle)
        process(metric, samples, chunk)
    return metric.evaluate(len(tracks))


@pytest.mark.parametrize('chunk', [None, 1, 2])
@pytest.mark.parametrize('as_rle', [True, False])
def test_perfect_predictions_with_ids_that_restart(tmp_path, chunk, as_rle):
    """Ids 0 and restarting ids gave 0.25 with mmdet; and instance 0 was lost."""
    ann_file, tracks = two_videos(tmp_path)
    metrics = run(make_metric(ann_file, [40, 3]), tracks, chunk, as_rle)
    for key in ('AP', 'AP50', 'AP75', 'AP_s', 'AR10', 'AR100'):
        assert metrics[f'youtube_vis/{key}'] == ONE
    assert metrics['youtube_vis/AR1'] == ONE
    assert metrics['youtube_vis/AP_m'] == metrics['youtube_vis/AP_l'] == '-'


def test_evaluates_again_and_again(tmp_path):
    """mmdet: KeyError 'images'."""
    ann_file, tracks = two_videos(tmp_path)
    metric = make_metric(ann_file, [40, 3])
    first = run(metric, tracks)
    assert run(metric, tracks, chunk=1) == first
    assert run(metric, {7: tracks[7], 0: []})['youtube_vis/AP'] < 1


def test_no_prediction_at_all_is_zero(tmp_path):
    """mmdet: IndexError."""
    ann_file, _ = two_videos(tmp_path)
    metric = make_metric(ann_file, [40, 3])
    assert run(metric, {7: [], 0: []})['youtube_vis/AP'] == 0.0
    assert metric.evaluate(0)['youtube_vis/AP50'] == 0.0


def test_results_carry_the_ids_of_the_file(tmp_path):
    """mmdet: label + 1."""
    ann_file, tracks = two_videos(tmp_path)
    metric = make_metric(ann_file, [40, 3], outfile_prefix=str(tmp_path / 'a/out'))
    metrics = run(metric, tracks)
    assert metrics['youtube_vis/AP'] == ONE  # written and evaluated
    results = json.loads((tmp_path / 'a/out.json').read_text())
    assert [(r['video_id'], r['category_id']) for r in results] == [
        (0, 3),
        (7, 40),
        (7, 3),
    ]
    assert results[2]['segmentations'][1] is None
    assert evaluate_results(results, ann_file)['AP'] == ONE


def test_category_ids_follow_from_class_names(tmp_path):
    """A dataset that names its classes only, in another order than the file."""
    ann_file, tracks = two_videos(tmp_path)
    for track in tracks[7] + tracks[0]:
        track.label = 1 - track.label
    metric = YouTubeVISMetric(ann_file=ann_file)
    metric.dataset_meta = {'classes': ('category 3', 'category 40')}
    assert run(metric, tracks)['youtube_vis/AP'] == ONE
    with pytest.raises(ValueError, match=r'no categories.*unicorn'):
        metric.dataset_meta = {'classes': ('unicorn',)}


def test_a_dataset_of_some_classes_is_measured_on_them(tmp_path):
    ann_file, tracks = two_videos(tmp_path)
    metric = make_metric(ann_file, [40])
    metrics = run(metric, {7: tracks[7][:1], 0: []})
    assert metrics['youtube_vis/AP'] == ONE


def test_areas_are_those_of_the_file(tmp_path):
    """mmdet: areas of boxes. Here box, mask and stated area fall into three ranges."""
    diagonal = np.eye(HEIGHT, WIDTH, dtype=bool)
    annotation = to_annotation(1, 1, 5, [diagonal])
    annotation['areas'] = [200]
    ann_file = write_ground_truth(tmp_path, {1: 1}, [annotation], [5])
    ranges = {'mask': (0, 10), 'box': (60, 70), 'stated': (190, 210)}
    metric = make_metric(ann_file, [5], area_ranges=ranges)
    process(metric, frame_samples(1, [Predicted(4, 0, 0.5, [diagonal])], 1))
    metrics = metric.evaluate(1)
    assert metrics['youtube_vis/AP_stated'] == ONE
    assert metrics['youtube_vis/AP_mask'] == metrics['youtube_vis/AP_box'] == '-'


def test_small_and_crowd_ground_truth_of_the_file_counts(tmp_path):
    """mmdet's dataset filters ground truth at test time; the metric reads the file."""
    pixel, elsewhere = box_mask(0, 0, 1, 1), box_mask(5, 5)
    annotations = [
        to_annotation(1, 1, 5, [pixel]),
        to_annotation(2, 1, 5, [elsewhere], iscrowd=1),
    ]
    ann_file = write_ground_truth(tmp_path, {1: 1}, annotations, [5])
    metric = make_metric(ann_file, [5])
    crowd = [Predicted(i, 0, 0.9, [elsewhere]) for i in (1, 2)]
    process(metric, frame_samples(1, crowd, 1))
    assert metric.evaluate(1)['youtube_vis/AP'] == 0.0
    process(metric, frame_samples(1, [*crowd, Predicted(3, 0, 0.1, [pixel])], 1))
    assert metric.evaluate(1)['youtube_vis/AP'] == ONE


def test_numbers_are_not_rounded(tmp_path):
    """mmdet: three decimals. 51 of 101 recall points are reached."""
    frames = [[box_mask(0, 0)], [box_mask(5, 5)]]
    annotations = [to_annotation(i, 1, 5, f) for i, f in enumerate(frames)]
    ann_file = write_ground_truth(tmp_path, {1: 1}, annotations, [5])
    metric = make_metric(ann_file, [5])
    process(metric, frame_samples(1, [Predicted(0, 0, 0.5, frames[0])], 1))
    value = metric.evaluate(1)['youtube_vis/AP']
    assert value == pytest.approx(51 / 101, abs=1e-15)


@pytest.mark.parametrize('kind', ['absent', 'null'])
def test_file_without_labels_fails_before_inference(tmp_path, kind):
    ann_file = tmp_path / 'valid.json'
    two_videos(tmp_path)
    content = json.loads((tmp_path / 'instances.json').read_text())
    content['annotations'] = None
    if kind == 'absent':
        del content['annotations']
    ann_file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r'valid\.json.*no annotations.*format_only'):
        make_metric(str(ann_file), [40, 3])
    prefix = str(tmp_path / 'out')
    metric = make_metric(
        str(ann_file), [40, 3], format_only=True, outfile_prefix=prefix
    )
    assert run(metric, {7: [], 0: []}) == {}
    assert json.loads((tmp_path / 'out.json').read_text()) == []


def test_errors_name_video_and_frame(tmp_path):
    ann_file, tracks = two_videos(tmp_path)
    metric = make_metric(ann_file, [40, 3])
    samples = frame_samples(7, tracks[7], 3)

    process(metric, samples[:2])
    with pytest.raises(ValueError, match=r'video 7 \(2 of 3 frames\)'):
        metric.evaluate(2)
    # That error left nothing behind.
    assert run(metric, tracks)['youtube_vis/AP'] == ONE

    with pytest.raises(ValueError, match='video 7, frame 1 came where frame 0'):
        process(make_metric(ann_file, [40, 3]), samples[1:])
    process(metric, samples)
    with pytest.raises(ValueError, match='video 7 was predicted twice'):
        process(metric, samples)
    with pytest.raises(ValueError, match='no video 99'):
        process(metric, frame_samples(99, [], 3))
        metric.evaluate(1)
    with pytest.raises(ValueError, match=r'video 7 was predicted with 2 frames.* 3'):
        process(metric, frame_samples(7, [], 2))
        metric.evaluate(1)
    with pytest.raises(ValueError, match='video 0: label 2 was predicted'):
        process(
            metric, frame_samples(0, [Predicted(1, 2, 0.5, [box_mask(0, 0)] * 2)], 2)
        )
        metric.evaluate(1)


def test_damaged_predictions_are_refused(tmp_path):
    ann_file, tracks = two_videos(tmp_path)

    def refused(match, change):
        # Frames as plain dicts: InstanceData itself refuses uneven lengths.
        frames = [sample.to_dict() for sample in frame_samples(7, tracks[7], 3)]
        change(frames[0])
        with pytest.raises(ValueError, match=f'video 7, frame 0.*{match}'):
            make_metric(ann_file, [40, 3]).process(
                None, [{'video_data_samples': frames}]
            )

    def set_field(**fields):
        return lambda frame: frame['pred_track_instances'].update(fields)

    refused('occurs twice', set_field(instances_id=torch.tensor([5, 5])))
    refused(
        '1 masks for 2', set_field(masks=[{'size': [HEIGHT, WIDTH], 'counts': b'0'}])
    )
    wrong = [{'size': [WIDTH, HEIGHT], 'counts': b'0'}] * 2
    refused('size', set_field(masks=wrong))
    refused('shape', set_field(masks=torch.zeros(2, WIDTH, HEIGHT).bool()))
    with pytest.raises(ValueError, match=r"no \['ori_shape'\].*PackVISInputs"):
        sample = {'video_id': 7, 'frame_id': 0, 'ori_video_length': 3}
        make_metric(ann_file, [40, 3]).process(None, [{'video_data_samples': [sample]}])
    refused('no pred_track', lambda frame: frame.pop('pred_track_instances'))
    refused(r"have no \['labels'\]", lambda f: f['pred_track_instances'].pop('labels'))


def test_attributes_categories_and_frame_ranges(tmp_path):
    ann_file, tracks = two_videos(tmp_path)
    content = json.loads((tmp_path / 'instances.json').read_text())
    content['videos'][0]['attributes'] = ['blur', 'twins']
    content['videos'][1]['attributes'] = ['twins']
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    # The tracks have 12 of 80 pixels.
    metric = make_metric(
        ann_file,
        [40, 3],
        classwise=True,
        area_unit='frame',
        area_ranges={'part': (0.14, 0.16), 'most': (0.5, 1)},
    )
    metrics = run(metric, {7: tracks[7], 0: []})
    found = {key.split('/')[1]: value for key, value in metrics.items()}
    assert found['blur_AP'] == ONE
    assert found['twins_AP'] == found['AP'] < 1.0
    assert found['category 40_precision'] == ONE
    assert found['category 3_precision'] == pytest.approx(51 / 101)
    assert found['AP_part'] == found['AP'] and found['AP_most'] == '-'


def test_an_object_that_no_frame_shows_is_not_missed(tmp_path):
    annotations = [
        to_annotation(1, 1, 5, [box_mask(0, 0), None]),
        to_annotation(2, 1, 5, [None, None]),
    ]
    ann_file = write_ground_truth(tmp_path, {1: 2}, annotations, [5])
    for count_empty, expected in ((False, 1.0), (True, 51 / 101)):
        metric = make_metric(ann_file, [5], count_empty=count_empty)
        track = Predicted(0, 0, 0.5, [box_mask(0, 0), None])
        process(metric, frame_samples(1, [track], 2))
        assert metric.evaluate(1)['youtube_vis/AP'] == pytest.approx(expected)


def test_through_mmengines_evaluator(tmp_path):
    ann_file, tracks = two_videos(tmp_path)
    with DefaultScope.overwrite_default_scope('mmvis'):
        assert METRICS.get('YouTubeVISMetric') is YouTubeVISMetric
        metric = METRICS.build({'type': 'YouTubeVISMetric', 'ann_file': ann_file})
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {'classes': ('category 40', 'category 3')}
    for video_id, of_video in tracks.items():
        sample = TrackDataSample()
        sample.video_data_samples = frame_samples(video_id, of_video, LENGTHS[video_id])
        evaluator.process([sample])
    assert evaluator.evaluate(2)['youtube_vis/AP'] == ONE
