"""Video files, by PyAV or else OpenCV, cameras, and streams of a network."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from .errors import NoFramesError, UnreadableSourceError
from .frames import Frame, FrameSource

# What FFmpeg opens as an address.
PROTOCOLS = ('http', 'https', 'rtmp', 'rtsp', 'rtsps', 'tcp', 'udp')
# So many unreadable frames in a row are taken for the end of a video file: the number
# of frames that its header states is often too large.
_LOST_AT_MOST = 50
# Seconds before a lost stream is opened again: twice as long each time, up to the
# longest.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
# Seconds without a frame after which a stream is lost: nothing says that a sender over
# UDP, or a camera without power, is gone.
_SILENCE = 30.0
# Frames that the decoder may still have, which come after the silence.
_DECODED_LATE = 50


def open_video(path: Path) -> FrameSource:
    """A video file, read by PyAV where it is installed.

    Both decode with FFmpeg, at about the same speed. PyAV also says which frames are
    damaged and where a file changes its size, which OpenCV keeps to itself.
    """
    if find_spec('av') is not None:
        from .av_source import AvFileSource

        return AvFileSource(path)
    return VideoFileSource(path)


def check_not_empty(path: Path) -> None:
    """Refuse a file of no byte."""
    if path.stat().st_size == 0:
        raise UnreadableSourceError(f'{path} is empty (0 bytes).')


class _CaptureSource(FrameSource):
    """What OpenCV opens as a video."""

    def _open(self, what: int | str, error: str) -> cv2.VideoCapture:
        capture = self._capture_of(what)
        if not capture.isOpened():
            capture.release()
            raise UnreadableSourceError(error)
        return capture

    def _capture_of(self, what: int | str) -> cv2.VideoCapture:
        return cv2.VideoCapture(what)


class CameraSource(_CaptureSource):
    """A camera by its number, or what lies in the file system and is no plain file.

    That is a device (``/dev/video0``) or a named pipe that a program writes a video
    into. It is read once, and ends when the camera or the program does.
    """

    def __init__(self, camera: int | Path) -> None:
        if isinstance(camera, Path):
            self.name, what = camera.stem, os.path.abspath(camera)
            error = (
                f'{camera} cannot be opened: it is no camera, another program has it, '
                'or what comes out of it is no video.'
            )
            self._capture = self._open(what, error)
        else:
            self.name = f'camera{camera}'
            self._capture = self._open(camera, f'Camera {camera} cannot be opened.')
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else None

    def __iter__(self) -> Iterator[Frame]:
        return _until_it_ends(self._capture)


def _until_it_ends(capture: cv2.VideoCapture) -> Iterator[Frame]:
    try:
        for index in count():
            there, image = capture.read()
            if not there:
                return
            yield Frame(index, image)
    finally:
        capture.release()


class AddressSource(_CaptureSource):
    """A stream of a network: it ends when its server ends it, or is lost.

    It is lost, too, when nothing came for 30 s; that is warned of.

    A password in the address is in no name and no message.

    Args:
        address (str): With its protocol.
        reconnect (int): So often in a row a stream that ended is opened again, unless
            it says how many frames it has and they all came.
    """

    def __init__(self, address: str, reconnect: int = 0) -> None:
        if reconnect < 0:
            raise ValueError(f'reconnect is how often, at least 0, not {reconnect}.')
        self._address, self._reconnect = address, reconnect
        parts = urlsplit(address)
        shown = f'{parts.scheme}://{parts.netloc.rpartition("@")[2]}{parts.path}'
        self._shown = shown
        self.name = Path(parts.path).stem or parts.hostname or 'stream'
        self._capture = self._open(
            address,
            f'{shown} cannot be opened: nothing answers there, it wants a password, or '
            'it is no video.',
        )
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else None
        stated = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.length = int(stated) if 0 < stated < 2**31 else None

    def _capture_of(self, what: int | str) -> cv2.VideoCapture:
        limits = [cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * _SILENCE)]
        return cv2.VideoCapture(what, cv2.CAP_ANY, limits)

    def __iter__(self) -> Iterator[Frame]:
        capture, index, failed, silence = self._capture, 0, 0, None
        try:
            while True:
                began = time.monotonic()
                there, image = capture.read()
                if time.monotonic() - began >= _SILENCE:
                    silence = index
                if there:
                    yield Frame(index, image)
                    index, failed = index + 1, 0
                    continue
                if self.length is not None and index >= self.length:
                    return
                if failed == self._reconnect:
                    if silence is not None and index - silence <= _DECODED_LATE:
                        warnings.warn(
                            f'{self._shown} sent nothing for {_SILENCE:g} s: it is '
                            f'taken to be over, after {index} frames.'
                        )
                    break
                capture.release()
                time.sleep(min(_FIRST_WAIT * 2**failed, _LONGEST_WAIT))
                failed += 1
                warnings.warn(
                    f'{self._shown} was lost after {index} frames: opened again, '
                    f'{failed} of at most {self._reconnect} times in a row.'
                )
                capture, silence = self._capture_of(self._address), None
        finally:
            capture.release()


class VideoFileSource(_CaptureSource):
    """A video file, by whatever codecs OpenCV was built with."""

    path: Path

    def __init__(self, path: Path) -> None:
        self.name, self.path = path.stem, path
        capture = self._open_file()
        fps = capture.get(cv2.CAP_PROP_FPS)
        # Files without a rate give 0, nan or huge numbers.
        self.fps = fps if 0 < fps < 1000 else None
        stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.length = int(stated) if 0 < stated < 2**31 else None
        there, _ = capture.read()
        capture.release()
        if not there and not self.length:
            raise NoFramesError(f'The video {path} has no frame.')
        if not there:
            raise UnreadableSourceError(
                f'{path} is said to have {self.length} frames, but the first cannot be '
                'decoded: its codec may be missing from this OpenCV. Convert it, with '
                f'"ffmpeg -i {path.name} -c:v libx264 -pix_fmt yuv420p new.mp4" for '
                'example.'
            )

    def _open_file(self) -> cv2.VideoCapture:
        check_not_empty(self.path)
        return self._open(
            # Of 12:30:45.mp4 alone OpenCV would take 12 for a protocol.
            os.path.abspath(self.path),
            f'{self.path} cannot be opened as a video: it is damaged, no video, or of '
            'a codec that this OpenCV lacks.',
        )

    def __iter__(self) -> Iterator[Frame]:
        capture, index, lost = self._open_file(), 0, 0
        try:
            while lost < _LOST_AT_MOST:
                there, image = capture.read()
                if there:
                    # Only what is followed by a good frame was inside of the video.
                    for damaged in range(index, index + lost):
                        damage = f'Frame {damaged} of {self.path} cannot be decoded.'
                        yield Frame(damaged, None, damage)
                    index += lost
                    yield Frame(index, image)
                    index, lost = index + 1, 0
                elif self.length is not None and index + lost < self.length:
                    lost += 1
                else:
                    break
            if self.length is not None and index < self.length:
                warnings.warn(
                    f'{self.path} is said to have {self.length} frames, but ends '
                    f'after {index}.'
                )
        finally:
            capture.release()
