"""A written split: the same bytes for any number of workers, complete or refused."""

import hashlib
import json
import subprocess

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_api

from mmvis.datasets.synth_vis import (
    CATEGORIES,
    PRESETS,
    VERSION,
    generate_video,
    write_split,
)
from mmvis.structures import read_annotation_file

# Content of the first three valid videos. It changes with VERSION only.
GOLDEN = 'bc959ac9e092531b5750dbcc44ebee209e6c75712228ffed7a71ebc1564f2c83'


@pytest.fixture(scope='module')
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp('synth_vis')
    return write_split(root, 'valid', 3, workers=2, progress=False)


def frames_of(path):
    content = json.loads(path.read_text())
    for video in content['videos']:
        yield [
            cv2.imread(str(path.parent / 'JPEGImages' / name))
            for name in video['file_names']
        ]


def test_golden_hash(split):
    """json, decoded masks and decoded pixels, without json's or PNG's encoding."""
    content = json.loads(split.read_text())
    digest = hashlib.sha256()
    for annotation in content['annotations']:
        for rle in annotation['segmentations']:
            digest.update(b'-' if rle is None else mask_api.decode(rle).tobytes())
    digest.update(json.dumps(content, sort_keys=True).encode())
    for frames in frames_of(split):
        digest.update(np.stack(frames).tobytes())
    assert digest.hexdigest() == GOLDEN


def test_workers_change_nothing(split, tmp_path):
    alone = write_split(tmp_path, 'valid', 3, workers=1, progress=False)
    assert alone.read_bytes() == split.read_bytes()
    for one, two in zip(frames_of(alone), frames_of(split), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_worker_that_is_killed_is_an_error(tmp_path, monkeypatch):
    started = []

    class Killed(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)
            if len(started) == 2:
                self.kill()

    monkeypatch.setattr('subprocess.Popen', Killed)
    with pytest.raises(RuntimeError, match='SynthVIS ended with code -9'):
        write_split(tmp_path, 'valid', 40, workers=2, progress=False)
    assert all(process.poll() is not None for process in started)


def test_a_frame_that_cannot_be_written_is_the_callers_error(tmp_path):
    (tmp_path / 'valid/JPEGImages').mkdir(parents=True)
    (tmp_path / 'valid/JPEGImages/0001').touch()
    with pytest.raises(FileExistsError, match='0001'):
        write_split(tmp_path, 'valid', 2, workers=2, progress=False)


def test_a_video_alone_is_the_video_of_the_split(split):
    content = json.loads(split.read_text())
    frames, _, record = generate_video(VERSION, 'valid', content['info']['seed'], 2)
    np.testing.assert_array_equal(list(frames_of(split))[2], frames)
    assert record['video'] == content['videos'][2]
    own = [a for a in content['annotations'] if a['video_id'] == record['video']['id']]
    assert record['annotations'] == own


def test_the_split_is_read_as_a_youtube_vis_set(split):
    file = read_annotation_file(str(split))
    assert file.info['version'] == VERSION and file.info['preset'] == 'tiny'
    assert file.info['split'] == 'valid' and file.info['seed'] == 1
    assert [c['id'] for c in file.categories] == [c.id for c in CATEGORIES]
    assert len({a['id'] for a in file.annotations}) == len(file.annotations)
    for video in file.videos:
        assert video['attributes']
        for name in video['file_names']:
            assert (split.parent / 'JPEGImages' / name).is_file()


def test_a_complete_split_is_left_alone(split):
    before = split.stat().st_mtime_ns
    assert write_split(split.parents[1], 'valid', 3, progress=False) == split
    assert split.stat().st_mtime_ns == before


def test_a_missing_frame_is_drawn_again(tmp_path):
    path = write_split(tmp_path, 'train', 1, progress=False)
    frame = tmp_path / 'train' / 'JPEGImages' / '0000' / '00003.png'
    before = cv2.imread(str(frame))
    frame.unlink()
    write_split(tmp_path, 'train', 1, progress=False)
    np.testing.assert_array_equal(cv2.imread(str(frame)), before)
    assert path.is_file()


def test_another_split_is_refused_and_then_replaced(tmp_path):
    write_split(tmp_path, 'train', 2, workers=1, progress=False)
    with pytest.raises(FileExistsError, match='another split'):
        write_split(tmp_path, 'train', 1, progress=False)
    path = write_split(tmp_path, 'train', 1, progress=False, overwrite=True)
    assert len(json.loads(path.read_text())['videos']) == 1
    assert [f.name for f in (tmp_path / 'train' / 'JPEGImages').iterdir()] == ['0000']


@pytest.mark.parametrize(
    ('split_name', 'count', 'message'),
    [('test', 2, "'test' has no default seed"), ('train', 0, 'at least one video')],
)
def test_mistakes_are_named(tmp_path, split_name, count, message):
    with pytest.raises(ValueError, match=message):
        write_split(tmp_path, split_name, count)


def test_bench_lists_its_own_categories(tmp_path):
    path = write_split(tmp_path, 'valid', 1, 'bench', workers=1, progress=False)
    content = json.loads(path.read_text())
    listed = [category['id'] for category in content['categories']]
    assert listed == [category.id for category in PRESETS['bench'].categories]
    assert {a['category_id'] for a in content['annotations']} <= set(listed)
