import json

import pytest
from data_factory import make_vis_dataset

from mmvis.structures.annotation_file import read_annotation_file
from mmvis.visualization.video_tracks import (
    choose_videos,
    file_stem,
    ground_truth_tracks,
    instances_at,
    read_frame,
    result_tracks,
)


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(tmp_path, categories=((7, 'box'), (3, 'disc')))


@pytest.fixture
def annotations(vis_set):
    return read_annotation_file(str(vis_set.ann_file))


def result(vis_set, score, annotation=0, **change):
    ann = vis_set.content['annotations'][annotation]
    keys = ('video_id', 'category_id', 'segmentations')
    return {key: ann[key] for key in keys} | dict(score=score) | change


def write_results(vis_set, results):
    path = vis_set.root / 'results.json'
    path.write_text(json.dumps(results))
    return path


def test_ground_truth(annotations):
    tracks = ground_truth_tracks(annotations)
    assert {key: [t.track_id for t in ts] for key, ts in tracks.items()} == {
        1: [1, 2],
        2: [3, 4],
    }
    assert [track.label for track in tracks[1]] == [0, 1]


def test_null_frames_are_not_visible(tmp_path):
    vis_set = make_vis_dataset(tmp_path, nulls={2: (1,)})
    tracks = ground_truth_tracks(read_annotation_file(str(vis_set.ann_file)))[1]
    assert [t.track_id for t, _ in instances_at(tracks, 0)] == [1, 2]
    assert [t.track_id for t, _ in instances_at(tracks, 1)] == [1]


def test_results_are_ranked_and_cut(vis_set, annotations):
    scores = (0.4, 0.9, 0.2, 0.6)
    path = write_results(vis_set, [result(vis_set, score) for score in scores])
    tracks = result_tracks(path, annotations, score_thr=0.3, top_k=2)
    assert [(t.track_id, t.score, t.label) for t in tracks[1]] == [
        (1, 0.9, 0),
        (2, 0.6, 0),
    ]
    assert tracks[2] == []
    tracks = result_tracks(path, annotations, score_thr=0.3)
    assert [track.score for track in tracks[1]] == [0.9, 0.6, 0.4]


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(video_id=9), 'entry 1 is for video 9'),
        (dict(category_id=1), 'entry 1 has category 1'),
        (dict(segmentations=[None]), r'1 segmentations, but video 1 \(video_1\) has 4'),
    ],
)
def test_results_of_something_else(vis_set, annotations, change, words):
    path = write_results(
        vis_set, [result(vis_set, 0.5), result(vis_set, 0.5, **change)]
    )
    with pytest.raises(ValueError, match=words):
        result_tracks(path, annotations)


def test_files_that_are_no_results(vis_set, annotations):
    with pytest.raises(ValueError, match='--ann'):
        result_tracks(vis_set.ann_file, annotations)
    with pytest.raises(ValueError, match='entry 0 lacks category_id, score'):
        result_tracks(write_results(vis_set, [{'video_id': 1}]), annotations)
    (vis_set.root / 'results.json').write_text('PK')
    with pytest.raises(ValueError, match='is not json'):
        result_tracks(vis_set.root / 'results.json', annotations)


def test_choose_videos(annotations):
    def ids(*args):
        return [video['id'] for video in choose_videos(annotations, *args)]

    assert ids() == [1, 2]
    assert ids(None, 1) == [1]
    assert ids(['video_2', '1']) == [2, 1]
    with pytest.raises(ValueError, match=r'no video 7\. It has 2: 1 \(video_1\)'):
        ids(['7'])


def test_no_labels(tmp_path):
    vis_set = make_vis_dataset(tmp_path, labelled=False)
    with pytest.raises(ValueError, match='no annotations'):
        ground_truth_tracks(read_annotation_file(str(vis_set.ann_file)))


def test_missing_and_broken_frames(vis_set, annotations):
    video = annotations.videos[0]
    root = vis_set.root / vis_set.prefix
    assert read_frame(str(root), video, 0).shape == (48, 64, 3)
    path = root / video['file_names'][1]
    path.write_bytes(b'no image')
    with pytest.raises(FileNotFoundError, match=r'00005.*frame 1 of video 1.*decoded'):
        read_frame(str(root), video, 1)
    with pytest.raises(FileNotFoundError, match=r'does not exist.*image root'):
        read_frame(str(vis_set.root), video, 0)


def test_file_stem():
    assert file_stem(dict(id=3, file_names=['a b/ü/0.png'])) == '3_a_b_ü'
    assert file_stem(dict(id=3, file_names=['0.png'])) == '3_video_3'
