"""Run lengths of tracks come back as they were, from memory or a file."""

import copy
import errno
import gc
import os
import pickle
import warnings
from collections import defaultdict

import numpy as np
import pytest

from mmvis.structures import counts_by_track
from mmvis.structures.counts_by_track import CountsByTrack


def filled(limit: float, frames: int = 60) -> tuple[CountsByTrack, dict]:
    """Five tracks with gaps, and the same as plain dicts."""
    rng = np.random.default_rng(0)
    counts, plain = CountsByTrack(limit), defaultdict(dict)
    for frame in range(frames):
        for track in rng.permutation(5).tolist():
            if rng.random() < 0.7:
                # Among them nothing at all, and bytes that look like a head.
                data = rng.bytes(int(rng.integers(0, 90)))
                counts.add(f'track {track}', frame, data)
                plain[f'track {track}'][frame] = data
    return counts, plain


def as_plain(counts: CountsByTrack) -> dict:
    return {track: counts.of(track) for track in counts}


@pytest.mark.parametrize('limit', [0, 100, 3000, float('inf')])
def test_what_comes_back_is_what_was_added(limit):
    counts, plain = filled(limit)
    assert as_plain(counts) == plain
    assert list(counts) == list(plain)  # in the order of their first frames
    assert counts.of('never seen') == {}
    assert (counts.bytes_in_memory > 3000) == (limit == float('inf'))
    counts.add('track 0', 99, b'later')  # after reading
    assert counts.of('track 0') == {**plain['track 0'], 99: b'later'}


@pytest.mark.parametrize(
    'again', [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
@pytest.mark.parametrize('limit', [100, float('inf')])
def test_a_copy_goes_its_own_way(again, limit):
    counts, plain = filled(limit)
    other = again(counts)
    counts.add('track 0', 99, b'one')
    other.add('track 0', 99, b'other')
    assert as_plain(counts) == {**plain, 'track 0': {**plain['track 0'], 99: b'one'}}
    assert as_plain(other) == {**plain, 'track 0': {**plain['track 0'], 99: b'other'}}


class FullDisk:
    """A file that takes so many bytes, and then a part of what it is given."""

    def __init__(self, file, room: int) -> None:
        self._file, self.room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        left = self.room - self._file.tell()
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data[: min(left, 64)])


@pytest.mark.parametrize('room', [0, 500, 1100, 10**6])
def test_a_full_disk_loses_nothing(monkeypatch, room):
    new_file, made = counts_by_track._nameless_file, []

    def small() -> FullDisk:
        made.append(FullDisk(new_file(), room))
        return made[-1]

    monkeypatch.setattr(counts_by_track, '_nameless_file', small)
    counts, plain = filled(300)
    assert as_plain(counts) == plain
    (file,) = made
    # What was written of a record that did not fit is given back.
    size = file.seek(0, os.SEEK_END)
    assert size + counts.bytes_in_memory == sum(
        24 + len(data) for of_frame in plain.values() for data in of_frame.values()
    )
    file.room = 10**6  # somebody made room
    counts.add('large', 0, b'x' * 10**5)
    assert counts.bytes_in_memory == 0
    assert as_plain(counts) == {**plain, 'large': {0: b'x' * 10**5}}


def test_no_folder_for_temporary_files_is_no_error(monkeypatch):
    def none() -> None:
        raise FileNotFoundError(errno.ENOENT, 'No usable temporary directory found')

    monkeypatch.setattr(counts_by_track, '_nameless_file', none)
    counts, plain = filled(100)
    assert as_plain(counts) == plain


@pytest.mark.skipif(not os.path.exists('/proc/self/fd'), reason='reads /proc of Linux')
def test_its_file_goes_with_it():
    before = len(os.listdir('/proc/self/fd'))
    counts, _ = filled(100)
    assert len(os.listdir('/proc/self/fd')) == before + 1
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        del counts
        gc.collect()
    assert len(os.listdir('/proc/self/fd')) == before
