"""Frames of a pipe: raw ones of a known size, or JPEGs one behind the other."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .errors import NoFramesError, UnreadableSourceError
from .frames import Frame, FrameSource

# Rows of bytes a row of pixels, bytes a pixel in them, and the name of OpenCV's
# conversion to BGR.
PIXEL_FORMATS: dict[str, tuple[float, int, str | None]] = {
    'bgr24': (1, 3, None),
    'rgb24': (1, 3, 'COLOR_RGB2BGR'),
    'bgra': (1, 4, 'COLOR_BGRA2BGR'),
    'rgba': (1, 4, 'COLOR_RGBA2BGR'),
    'gray': (1, 1, 'COLOR_GRAY2BGR'),
    'yuv420p': (1.5, 1, 'COLOR_YUV2BGR_I420'),
    'nv12': (1.5, 1, 'COLOR_YUV2BGR_NV12'),
}
_CHUNK = 1 << 16
_JPEG_BEGINS, _JPEG_ENDS = b'\xff\xd8', b'\xff\xd9'


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of ``1280x720``.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r'(\d+)[xX](\d+)', text)
    if found is None or not int(found[1]) or not int(found[2]):
        raise ValueError(f'size is width x height, such as 1280x720, not {text!r}.')
    return int(found[1]), int(found[2])


def open_pipe(
    size: str | None = None, pix_fmt: str = 'bgr24', pipe: BinaryIO | None = None
) -> FrameSource:
    """What comes on stdin.

    Args:
        size (str, optional): ``WxH`` of raw frames; None: JPEGs (mjpeg).
        pix_fmt (str): Of raw frames, a key of :data:`PIXEL_FORMATS`.
        pipe (BinaryIO, optional): In the place of stdin.
    """
    pipe = sys.stdin.buffer if pipe is None else pipe
    if pipe.isatty():
        raise UnreadableSourceError(
            'stdin is a terminal: send frames into it, with "ffmpeg -i VIDEO -f mjpeg '
            '- | python -m mmvis - ..." for example.'
        )
    if size is None:
        return JpegPipe(pipe)
    return RawPipe(pipe, parse_size(size), pix_fmt)


class RawPipe(FrameSource):
    """Raw frames one behind the other."""

    name = 'stdin'

    def __init__(self, pipe: BinaryIO, size: tuple[int, int], pix_fmt: str) -> None:
        if pix_fmt not in PIXEL_FORMATS:
            known = ', '.join(PIXEL_FORMATS)
            raise ValueError(f'pix_fmt is one of {known}, not {pix_fmt!r}.')
        width, height = size
        planes, depth, self._convert = PIXEL_FORMATS[pix_fmt]
        if planes != 1 and (width % 2 or height % 2):
            raise ValueError(f'{pix_fmt} has even sizes only, not {width}x{height}.')
        self._pipe = pipe
        self._shape: tuple[int, ...] = (round(height * planes), width, depth)
        self._bytes = int(np.prod(self._shape))

    def __iter__(self) -> Iterator[Frame]:
        import cv2

        index = 0
        while data := self._read():
            if len(data) < self._bytes:
                damage = (
                    f'Frame {index} of stdin ends after {len(data)} of {self._bytes} '
                    'bytes: the pipe was cut, or size or pix-fmt are others.'
                )
                yield Frame(index, None, damage)
                return
            pixels = np.frombuffer(data, np.uint8).reshape(self._shape)
            if self._convert is None:
                yield Frame(index, pixels.copy())  # what is read is not writable
            else:
                yield Frame(index, cv2.cvtColor(pixels, getattr(cv2, self._convert)))
            index += 1

    def _read(self) -> bytes:
        """A frame, or what there is of it at the end."""
        parts, missing = [], self._bytes
        while missing and (part := self._pipe.read(missing)):
            parts.append(part)
            missing -= len(part)
        return b''.join(parts)


class JpegPipe(FrameSource):
    """JPEGs one behind the other, as ``ffmpeg -f mjpeg`` writes them."""

    name = 'stdin'

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def __iter__(self) -> Iterator[Frame]:
        index, waiting, searched = 0, b'', 0
        # What is there already, without waiting for more.
        read = getattr(self._pipe, 'read1', self._pipe.read)
        while part := read(_CHUNK):
            waiting += part
            while (end := waiting.find(_JPEG_ENDS, searched)) >= 0:
                data, waiting, searched = waiting[: end + 2], waiting[end + 2 :], 0
                yield self._decoded(index, data)
                index += 1
            # An end may be cut in the middle.
            searched = max(len(waiting) - 1, 0)
        if waiting.strip(b'\0\r\n'):
            yield self._decoded(index, waiting)

    @staticmethod
    def _decoded(index: int, data: bytes) -> Frame:
        import cv2

        begins = data.find(_JPEG_BEGINS)
        image = None
        if begins >= 0 and data.endswith(_JPEG_ENDS):
            pixels = np.frombuffer(data[begins:], np.uint8)
            image = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
        if image is None and index == 0:
            raise NoFramesError(
                'What comes on stdin are no JPEGs: give --size WxH and --pix-fmt for '
                'raw frames, or send "-f mjpeg".'
            )
        if image is None:
            return Frame(index, None, f'Frame {index} of stdin is no whole JPEG.')
        return Frame(index, image)
