"""Streams over UDP and RTSP, named pipes, and devices."""

import os
import threading

import cv2
import numpy as np
import pytest
from stream_servers import rtsp_server, transport_stream, udp_sender

from mmvis.apis import video_sources
from mmvis.apis.errors import UnreadableSourceError
from mmvis.apis.frame_sources import CameraSource, open_source

pytest.importorskip('av')


def stream(tmp_path, level: int) -> bytes:
    """Ten frames of a grey."""
    frames = [np.full((48, 64, 3), level, np.uint8)] * 10
    return transport_stream(tmp_path / f'{level}.ts', frames)


def levels(source, number: int | None = None) -> list[int]:
    """The grey of frames, to the next 20."""
    frames = iter(source)
    found = [next(frames) for _ in range(number)] if number else list(frames)
    return [round(float(frame.image.mean()) / 20) * 20 for frame in found]


def test_udp(tmp_path):
    with udp_sender(stream(tmp_path, 100)) as address:
        source = open_source(address)
        assert (source.name, source.fps, source.length) == ('127.0.0.1', 25, None)
        assert levels(source, 15) == [100] * 15  # more than one turn of the sender


def test_udp_that_stops_ends_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(video_sources, '_SILENCE', 0.5)
    with udp_sender(stream(tmp_path, 100), turns=4) as address:
        source = open_source(address)
        said = f'{address} sent nothing for 0.5 s: it is taken to be over, after'
        with pytest.warns(UserWarning, match=said) as warned:
            found = levels(source)
    assert len(found) >= 8 and set(found) == {100}
    assert f'after {len(found)} frames' in str(warned[0].message)


def test_rtsp(tmp_path):
    with rtsp_server([stream(tmp_path, 60)]) as server:
        source = open_source(server.address)
        found = levels(source)
        assert (source.name, source.fps) == ('live', 25)
        assert len(found) >= 8 and set(found) == {60}
        assert server.asked == ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY']


def test_rtsp_that_drops_is_opened_again(tmp_path, monkeypatch):
    monkeypatch.setattr(video_sources, '_FIRST_WAIT', 0.01)
    with rtsp_server([stream(tmp_path, level) for level in (20, 100)]) as server:
        source = open_source(server.address, reconnect=1)
        with pytest.warns(UserWarning, match='opened again, 1 of at most 1'):
            found = levels(source)
    assert set(found) == {20, 100} and found == sorted(found)


def test_rtsp_that_does_not_answer_is_one_sentence(tmp_path):
    with rtsp_server([]) as server:
        address = server.address.replace('//', '//me:secret@')
    with pytest.raises(UnreadableSourceError) as raised:
        open_source(address)
    said = str(raised.value)
    assert 'cannot be opened: nothing answers there' in said and 'secret' not in said


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='has no named pipes')
def test_a_named_pipe(tmp_path):
    data, pipe = stream(tmp_path, 140), tmp_path / 'camera.ts'
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=[data], daemon=True).start()
    source = open_source(pipe)
    found = levels(source)
    assert (source.name, len(found), set(found)) == ('camera', 10, {140})


def test_a_device(monkeypatch):
    asked = []

    class Capture:
        def __init__(self, what):
            asked.append(what)

        def isOpened(self):
            return False

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    with pytest.raises(UnreadableSourceError, match='/dev/null cannot be opened: it'):
        open_source('/dev/null')
    with pytest.raises(UnreadableSourceError, match='Camera 3 cannot'):
        CameraSource(3)
    assert asked == ['/dev/null', 3]
