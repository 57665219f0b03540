"""The two that write an mp4's frames: PyAV as H.264, OpenCV as MPEG-4 part 2."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from fractions import Fraction
from importlib.util import find_spec
from typing import Any, Protocol

import cv2
import numpy as np

# A third of the size of mp4v, for little more time, since drawing takes most
# (tools/benchmarks/video_files.py); slower presets save little for much more.
_PRESET, _QUALITY = 'superfast', 23
# What times of frames are counted in, s.
_CLOCK = Fraction(1, 90000)
# OpenCV's conversion is that of BT.601, which players do not take for granted in HD.
_COLOURS = 'colormatrix=smpte170m:colorprim=bt709:transfer=bt709:range=tv'

HOW_TO_PLAY = (
    'The codec of {name} is mp4v, which browsers do not play; with "pip install '
    'mmvis[video]" it is H.264, which they do.'
)


class Encoder(Protocol):
    """Takes frames (h, w, 3) uint8 BGR of one size, whose sides are even."""

    codec: str

    def write(self, frame: np.ndarray, time: float | None = None) -> None: ...

    def close(self) -> None: ...


def open_encoder(
    path: str, fps: float, size: tuple[int, int], uneven: bool = False
) -> Encoder:
    """H.264 where PyAV is installed, else mp4v.

    Args:
        path (str): Ends in ``.mp4``; its folder is there.
        fps (float): Frames a second.
        size (tuple[int, int]): Width and height in px, both even.
        uneven (bool): Frames have times of their own, which mp4v cannot keep.

    Raises:
        OSError: The file cannot be written.
    """
    # A name with a colon would be taken for an address: absolute paths are none.
    path = os.path.abspath(path)
    if find_spec('av') is not None:
        return H264Encoder(path, fps, size, uneven)
    return Mp4vEncoder(path, fps, size)


class H264Encoder:
    """H.264 in yuv420p with its index in front: plays everywhere, also while loading.

    Raises:
        OSError: The file cannot be opened, or the disk is full.
    """

    codec = 'h264'

    def __init__(
        self, path: str, fps: float, size: tuple[int, int], uneven: bool = False
    ) -> None:
        import av

        self._path, self._failures = path, (av.error.FFmpegError, OSError)
        self._frame_of = av.VideoFrame.from_ndarray
        container: Any = None
        try:
            container = av.open(
                path, 'w', format='mp4', options={'movflags': '+faststart'}
            )
            # The clock of an mp4 counts in whole numbers: 29.97 is 2997 / 100.
            rate = Fraction(fps).limit_denominator(1001)
            stream: Any = container.add_stream('libx264', rate=rate)
            stream.width, stream.height = size
            stream.pix_fmt = 'yuv420p'
            if uneven:
                stream.codec_context.time_base = _CLOCK
            stream.options = {
                'preset': _PRESET,
                'crf': str(_QUALITY),
                'x264-params': _COLOURS,
            }
            container.start_encoding()  # finds out whether it can be written
        except self._failures as error:
            raise self._error(error) from None
        self._container, self._stream = container, stream
        self._fps, self._tick = fps, -1
        self._uneven = uneven

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Append a frame, to be shown at a time (s) where they are uneven."""
        yuv: Any = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
        picture = self._frame_of(yuv, format='yuv420p')
        if self._uneven:
            self._set_time(picture, time)
        self._put(picture)

    def _set_time(self, picture: Any, time: float | None) -> None:
        if time is None:  # as if the rate were even from here on
            time = 0.0 if self._tick < 0 else self._tick * _CLOCK + 1 / self._fps
        self._tick = max(round(time / _CLOCK), self._tick + 1)
        picture.pts, picture.time_base = self._tick, _CLOCK

    def close(self) -> None:
        """Write what waits, and the index."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            container.mux(self._stream.encode())
            container.close()
        except self._failures as error:
            raise self._error(error) from None

    def _put(self, frame: Any) -> None:
        if self._container is None:
            raise OSError(f'{self._path} takes no frame after it has failed.')
        try:
            self._container.mux(self._stream.encode(frame))
        except self._failures as error:
            # An open file takes its place on the disk even when it is removed.
            container, self._container, self._stream = self._container, None, None
            with suppress(*self._failures):
                container.close()
            raise self._error(error) from None

    def _error(self, error: Any) -> OSError:
        reason = getattr(error, 'strerror', None) or error
        return OSError(f'{self._path} cannot be written: {reason}.')


class Mp4vEncoder:
    """MPEG-4 part 2 by OpenCV, which tells nothing of what fails later.

    Raises:
        OSError: The file cannot be opened, or is not whole when it is closed.
    """

    codec = 'mp4v'

    def __init__(self, path: str, fps: float, size: tuple[int, int]) -> None:
        self._path, self._frames = path, 0
        code = cv2.VideoWriter.fourcc(*'mp4v')
        self._writer = cv2.VideoWriter(path, code, fps, size)
        # OpenCV says nothing when it cannot write.
        if not self._writer.isOpened():
            raise OSError(
                f'{path} cannot be opened as an mp4 of {size[0]} x {size[1]} px: '
                'check that the folder can be written to and that this OpenCV has '
                'video support (the opencv-python packages of PyPI do).'
            )

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Append a frame; the rate is even."""
        self._writer.write(np.ascontiguousarray(frame))
        self._frames += 1

    def close(self) -> None:
        """Finish the file, and see whether it was written."""
        self._writer.release()
        video = cv2.VideoCapture(self._path)
        count = video.get(cv2.CAP_PROP_FRAME_COUNT) if video.isOpened() else 0
        video.release()
        if count < self._frames:
            free = shutil.disk_usage(os.path.dirname(self._path)).free
            reason = 'No space left on device' if free < 1 << 20 else 'it does not play'
            raise OSError(f'{self._path} cannot be written: {reason}.')
