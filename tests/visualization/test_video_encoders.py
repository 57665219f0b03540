"""H.264 where PyAV is there, mp4v where it is not; a full disk is said."""

import re

import numpy as np
import pytest

from mmvis.visualization import video_encoders
from mmvis.visualization.video_writer import Mp4Writer


def noise(number: int) -> np.ndarray:
    return np.random.RandomState(number).randint(0, 255, (96, 130, 3), np.uint8)


def write(path, frames: int = 12) -> Mp4Writer:
    with Mp4Writer(path, 29.97) as video:
        for number in range(frames):
            video.write(noise(number))
    return video


def test_players_get_what_they_need(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'v.mp4'
    assert write(path).codec == 'h264'
    data = path.read_bytes()
    assert data.index(b'moov') < data.index(b'mdat')  # plays while it loads
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ('h264', 'yuv420p')
        assert (stream.frames, float(stream.average_rate)) == (12, 29.97)
        times = [frame.time for frame in container.decode(stream)]
    assert times == pytest.approx([n / 29.97 for n in range(12)], abs=1e-3)


def test_without_pyav_opencv_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(video_encoders, 'find_spec', lambda name: None)
    assert write(tmp_path / 'v.mp4').codec == 'mp4v'
    assert b'mp4v' in (tmp_path / 'v.mp4').read_bytes()


def test_a_full_disk_is_said(tmp_path):
    pytest.importorskip('av')
    (tmp_path / 'v.mp4').symlink_to('/dev/full')
    words = re.escape('v.mp4 cannot be written: No space left on device.')
    with pytest.raises(OSError, match=words):
        write(tmp_path / 'v.mp4', 60)
