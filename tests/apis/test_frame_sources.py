"""Frames come in order, and what is wrong with a source is said."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from inferencers import images, write_folder, write_video

from mmvis.apis.frame_sources import (
    NoFramesError,
    SourceNotFoundError,
    UnreadableSourceError,
    VideoFileSource,
    open_source,
)


def frames_of(source) -> list:
    frames = list(open_source(source))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    return frames


def test_sources_of_the_same_frames_agree(tmp_path):
    wanted = images(11)
    folder = write_folder(tmp_path / 'some.video', wanted)
    (folder / 'notes.txt').write_text('no image')
    (folder / '._1.png').write_bytes(b'what macOS puts beside 1.png')
    paths = [str(folder / f'{n}.png') for n in range(1, 12)]
    sources = [folder, str(folder), paths, iter(paths), wanted, np.stack(wanted)]
    for source in [*sources, (image for image in wanted)]:
        got = frames_of(source)
        assert all((g.image == w).all() for g, w in zip(got, wanted, strict=True))
    opened = open_source(folder)
    assert (opened.name, opened.length) == ('some.video', 11)
    assert opened.file_names[1:3] == ['some.video/2.png', 'some.video/3.png']
    assert open_source(open_source(wanted)).length == 11
    assert (frames_of(folder / '3.png')[0].image == wanted[2]).all()


def test_a_video_file_and_its_rate(tmp_path):
    wanted = images(9)
    path = write_video(tmp_path / 'clip.mp4', wanted, fps=12.5)
    source = open_source(path)
    assert (source.name, source.fps, source.length) == ('clip', 12.5, 9)
    for _ in range(2):  # a source can be read again
        got = frames_of(source)
        errors = [
            np.abs(frame.image.astype(int) - image).mean()
            for frame, image in zip(got, wanted, strict=True)
        ]
        assert max(errors) < 12  # the codec's


def test_grey_frames_and_images_get_three_channels(tmp_path):
    grey = images(1)[0][..., 0]
    cv2.imwrite(str(tmp_path / 'grey.png'), grey)
    for source in ([grey], tmp_path / 'grey.png'):
        (frame,) = frames_of(source)
        assert frame.image.shape == (96, 160, 3) and (frame.image[..., 1] == grey).all()


def test_a_damaged_frame_is_named_and_the_others_come(tmp_path):
    folder = write_folder(tmp_path / 'video', images(5))
    data = (folder / '2.png').read_bytes()
    (folder / '2.png').write_bytes(data[: len(data) // 2])
    (folder / '4.png').write_bytes(b'no image at all')
    damage = [frame.damage for frame in frames_of(folder)]
    assert [d is None for d in damage] == [True, False, True, False, True]
    assert '2.png' in damage[1] and 'truncated' in damage[1]
    assert 'Frame 3' in damage[3] and 'cannot be decoded' in damage[3]
    wrong = [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8), 'no.png']
    assert all(frame.image is None for frame in frames_of(wrong))


class Capture:
    """Reads good frames and bad ones as a pattern says: OpenCV tells no reason."""

    def __init__(self, pattern: str, stated: int) -> None:
        self.pattern, self.stated = iter(pattern), stated

    def isOpened(self) -> bool:
        return True

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FRAME_COUNT: self.stated}.get(what, 25.0)

    def read(self):
        good = next(self.pattern, 'x') == 'o'
        return good, np.zeros((2, 2, 3), np.uint8) if good else None

    def release(self) -> None:
        pass


@pytest.mark.parametrize(
    ('pattern', 'stated', 'read'),
    [
        ('oooo', 4, 'oooo'),
        ('ooxxoo', 6, 'ooxxoo'),
        ('oooxx', 5, 'ooo'),  # a header that states too much: no frames at the end
        ('oooo', 2, 'oooo'),  # and one that states too little
    ],
)
def test_unreadable_frames_inside_of_a_video_are_counted(
    tmp_path, monkeypatch, pattern, stated, read
):
    monkeypatch.setattr(cv2, 'VideoCapture', lambda _: Capture(pattern, stated))
    (tmp_path / 'v.mp4').write_bytes(b'x')
    if len(read) < stated:
        with pytest.warns(UserWarning, match=f'{stated} frames, but ends after 3'):
            frames = frames_of(VideoFileSource(tmp_path / 'v.mp4'))
    else:
        frames = frames_of(VideoFileSource(tmp_path / 'v.mp4'))
    assert ''.join('x' if f.image is None else 'o' for f in frames) == read


@pytest.mark.parametrize(
    ('make', 'error', 'words'),
    [
        (lambda p: p / 'none.mp4', SourceNotFoundError, 'none.mp4 does not exist'),
        (lambda p: [], NoFramesError, 'empty'),
        (lambda p: (p / 'e').mkdir() or p / 'e', NoFramesError, 'it is empty'),
        (lambda p: p, NoFramesError, 'it has text.mp4'),
        (lambda p: p / 'text.mp4', UnreadableSourceError, 'cannot be opened as a vid'),
        (lambda p: 99, UnreadableSourceError, 'Camera 99'),
        (lambda p: 1.5, UnreadableSourceError, 'float is no source'),
        (lambda p: io.BytesIO, UnreadableSourceError, 'is no source'),
    ],
)
def test_what_is_wrong_is_said(tmp_path, make, error, words):
    (tmp_path / 'text.mp4').write_text('text')
    with pytest.raises(error, match=words):
        open_source(make(tmp_path))


def test_a_codec_that_is_missing_is_not_an_empty_video(tmp_path, monkeypatch):
    path = tmp_path / 'v.mp4'
    path.write_bytes(b'x')
    monkeypatch.setattr(cv2, 'VideoCapture', lambda _: Capture('', 10))
    with pytest.raises(UnreadableSourceError, match=r'10 frames.*codec.*ffmpeg'):
        VideoFileSource(path)
    monkeypatch.setattr(cv2, 'VideoCapture', lambda _: Capture('', 0))
    with pytest.raises(NoFramesError, match='no frame'):
        VideoFileSource(Path(path))
