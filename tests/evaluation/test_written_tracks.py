"""What the metric writes of one predicted track. Many cases are faults of mmdet's."""

import json
import zipfile

import numpy as np
import pytest
from prediction_factory import (
    Predicted,
    box_mask,
    frame_samples,
    make_metric,
    process,
    write_ground_truth,
)
from random_cases import HEIGHT, WIDTH

from mmvis.evaluation import YouTubeVISMetric


def one_track(tmp_path, track, categories=(5, 6, 8)):
    """What is written for one predicted track."""
    length = len(track.frames)
    ann_file = write_ground_truth(tmp_path, {1: length}, [], categories)
    prefix = str(tmp_path / 'results')
    metric = make_metric(ann_file, categories, format_only=True, outfile_prefix=prefix)
    process(metric, frame_samples(1, [track], length))
    assert metric.evaluate(1) == {}
    return json.loads((tmp_path / 'results.json').read_text())


def test_score_is_the_mean_over_frames_with_the_track(tmp_path):
    mask = box_mask(1, 1)
    track = Predicted(3, 0, [0.25, 0.9, 0.5, 0.75], [mask, None, mask, mask])
    assert one_track(tmp_path, track)[0]['score'] == 0.5


def test_category_by_majority_ties_by_summed_score(tmp_path):
    """mmdet: ties go to the lowest label."""
    mask = box_mask(1, 1)
    track = Predicted(3, [0, 2, 2], [0.9, 0.1, 0.2], [mask] * 3)
    assert one_track(tmp_path, track)[0]['category_id'] == 8
    track = Predicted(3, [0, 2, 2, 0], [0.1, 0.5, 0.5, 0.1], [mask] * 4)
    assert one_track(tmp_path, track)[0]['category_id'] == 8


def test_category_by_soft_scores_where_the_model_gives_them(tmp_path):
    mask = box_mask(1, 1)
    soft = [[0.4, 0.35, 0.0], [0.4, 0.35, 0.0], [0.0, 0.9, 0.1]]
    track = Predicted(3, [0, 0, 1], 0.5, [mask] * 3, soft)
    assert one_track(tmp_path, track)[0]['category_id'] == 6


def test_a_track_without_a_pixel_is_left_out(tmp_path):
    """It could be a false positive only; a frame without a pixel is null."""
    nothing = np.zeros((HEIGHT, WIDTH), dtype=bool)
    assert one_track(tmp_path, Predicted(3, 0, 0.5, [nothing, nothing])) == []
    results = one_track(
        tmp_path, Predicted(3, 0, [1.0, 0.5], [nothing, box_mask(1, 1)])
    )
    assert results[0]['segmentations'][0] is None
    assert results[0]['score'] == 0.75  # it was predicted in both


def test_submission_stays_where_it_is_asked_for(tmp_path):
    """mmdet writes the zip to a folder that is deleted."""
    with pytest.raises(ValueError, match='outfile_prefix'):
        YouTubeVISMetric(format_only=True)
    one_track(tmp_path, Predicted(3, 0, 0.5, [box_mask(1, 1)]))
    with zipfile.ZipFile(tmp_path / 'results.zip') as archive:
        assert archive.namelist() == ['results.json']
        assert archive.read('results.json') == (tmp_path / 'results.json').read_bytes()
