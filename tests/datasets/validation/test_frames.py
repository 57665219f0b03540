"""Findings on frames, and where frames are looked for."""

import numpy as np
import pytest
from data_factory import make_vis_dataset, write_frame

from mmvis.datasets.validation import check_frames, count_frames, find_frames


def test_findings_come_in_order_whatever_the_threads(tmp_path):
    vis_set = make_vis_dataset(tmp_path, lengths=(30, 25), objects=0)
    videos, folder = vis_set.content['videos'], tmp_path / vis_set.prefix
    (folder / videos[0]['file_names'][4]).unlink()
    (folder / videos[0]['file_names'][29]).write_bytes(b'')
    write_frame(
        folder / videos[1]['file_names'][7], np.zeros((9, 9, 3), dtype=np.uint8)
    )
    assert count_frames(videos) == 55
    expected = [
        ('MISSING_FILE', 1, 4),
        ('BAD_IMAGE', 1, 29),
        ('SIZE_MISMATCH', 2, 7),
    ]
    for workers in (1, 4):
        results = list(check_frames(videos, str(folder), workers))
        assert len(results) == 55
        found = [(f.code, f.video, f.frame) for fs in results for f in fs]
        assert found == expected


def test_corrupt_data_within_a_whole_file_is_found(tmp_path):
    vis_set = make_vis_dataset(tmp_path, lengths=(1,), objects=0)
    path = tmp_path / vis_set.prefix / vis_set.content['videos'][0]['file_names'][0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF  # PNG has checksums
    path.write_bytes(data)
    (found,) = check_frames(vis_set.content['videos'], str(path.parents[1]), 1)
    assert [finding.code for finding in found] == ['BAD_IMAGE']


def test_unsafe_names_are_not_opened(tmp_path):
    videos = [dict(id=1, file_names=['../secret.png', '/etc/passwd', 5])]
    assert count_frames(videos) == 0
    assert list(check_frames(videos, str(tmp_path), 1)) == []


@pytest.mark.parametrize(
    ('ann_file', 'frames'),
    [
        ('instances.json', 'JPEGImages'),
        ('instances.json', ''),
        ('train.json', 'train/JPEGImages'),
        ('annotations/instances_train.json', 'train/JPEGImages'),
        ('instances.json', 'train/JPEGImages'),
    ],
)
def test_frames_are_found_in_the_usual_places(tmp_path, ann_file, frames):
    vis_set = make_vis_dataset(tmp_path, lengths=(2,), objects=0)
    videos = vis_set.content['videos']
    place = tmp_path / 'set' / frames
    place.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / vis_set.prefix).rename(place)
    path = tmp_path / 'set' / ann_file
    path.parent.mkdir(exist_ok=True)
    assert find_frames(str(path), videos) == str(place)
    assert find_frames(str(tmp_path / 'elsewhere' / 'x.json'), videos) is None
