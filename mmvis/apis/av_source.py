"""Video files by PyAV, which says what is wrong with them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from .errors import NoFramesError, UnreadableSourceError
from .frames import Frame, FrameSource
from .video_sources import check_not_empty

# Clocks of files count in ms or finer: so much, s, is no uneven rate.
_ROUNDING = 0.002
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


class AvFileSource(FrameSource):
    """A video file by whatever codecs PyAV's FFmpeg has.

    Frames are turned as the file asks for. Where a file changes its size, the frames
    from there on are fitted into the first one's, with black bars, and a warning says
    so: a video has one size. A packet that cannot be decoded is a damaged frame, if a
    good one follows.

    A phone's video has no even rate: its frames keep their times.
    """

    path: Path

    def __init__(self, path: Path) -> None:
        self.name, self.path = path.stem, path
        check_not_empty(path)
        with self._open() as container:
            stream = _video_stream(container, path)
            rate = float(stream.average_rate or stream.guessed_rate or 0)
            # Files without a rate give nothing, or huge numbers.
            self.fps = rate if 0 < rate < 1000 else None
            # Matroska and transport streams state no number: about this many.
            self._stated = stream.frames or None
            self._times: list[float] = []
            self.length = self._stated or _guessed_length(container, rate)
            images = (image for image, _ in self._decoded(container, stream))
            missing = all(image is None for image in images)
        if missing and not self.length:
            raise NoFramesError(f'The video {path} has no frame.')
        if missing:
            raise UnreadableSourceError(
                f'{path} is said to have {self.length} frames, but none can be '
                'decoded: it is damaged, or of a codec that this PyAV lacks.'
            )

    def time_of(self, index: int) -> float | None:
        return self._times[index] if index < len(self._times) else None

    def _open(self) -> Any:
        try:
            # Of 12:30:45.mp4 alone FFmpeg would take 12 for a protocol.
            return av.open(os.path.abspath(self.path), metadata_errors='replace')
        except (OSError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or error
            raise UnreadableSourceError(
                f'{self.path} cannot be opened as a video ({reason}): it is damaged, '
                'no video, or of a format that this PyAV lacks.'
            ) from None

    def __iter__(self) -> Iterator[Frame]:
        index, lost = 0, 0
        self._times = []
        with self._open() as container:
            stream = _video_stream(container, self.path)
            stream.thread_type = 'AUTO'
            size: tuple[int, ...] | None = None
            latest = size
            for image, time in self._decoded(container, stream):
                if image is None:
                    lost += 1
                    continue
                self._note_time(index + lost, time)
                # Only what is followed by a good frame was inside of the video.
                for damaged in range(index, index + lost):
                    damage = f'Frame {damaged} of {self.path} cannot be decoded.'
                    yield Frame(damaged, None, damage)
                index, lost = index + lost, 0
                size = size or image.shape
                if image.shape not in (size, latest):
                    self._warn_of_size(index, image.shape, size)
                latest = image.shape
                yield Frame(index, _fitted(image, size))
                index += 1
        if self._stated is not None and index < self._stated:
            warnings.warn(
                f'{self.path} is said to have {self._stated} frames, but ends '
                f'after {index}.'
            )

    def _note_time(self, index: int, time: float | None) -> None:
        """Keep the time of a frame; damaged ones before it get those in between."""
        times = self._times
        even = index / self.fps if self.fps else 0.0
        if not times:
            self._begin, self._timed = (time or 0.0) - even, True
        if time is not None:
            time -= self._begin
            if abs(time - even) < _ROUNDING:
                time = even
        # Joined files begin again: what follows is taken as even.
        self._timed &= time is not None and (not times or time > times[-1])
        if time is None or not self._timed:
            return
        known = len(times)  # without any, the ones before share the time from 0
        begin, before = (known - 1, times[-1]) if known else (0, 0.0)
        between = np.linspace(before, time, index - begin + 1)
        times += between[known - begin :].tolist()

    def _warn_of_size(self, index: int, shape: tuple, size: tuple) -> None:
        warnings.warn(
            f'{self.path} changes its size: frame {index} is {shape[1]} x {shape[0]} '
            f'px (width x height), the first is {size[1]} x {size[0]}. It is fitted '
            "into the first one's size, with black bars."
        )

    @staticmethod
    def _decoded(
        container: Any, stream: Any
    ) -> Iterator[tuple[np.ndarray | None, float | None]]:
        """Images (h, w, 3) uint8 BGR and their times, s.

        None for a packet that cannot be decoded.
        """
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                yield None, None
                continue
            for frame in frames:
                image = frame.to_ndarray(format='bgr24')
                turn = _TURNS.get(round(getattr(frame, 'rotation', 0)) % 360)
                turned = image if turn is None else cv2.rotate(image, turn)
                yield turned, frame.time


def _video_stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise UnreadableSourceError(f'{path} has no video stream.')
    return container.streams.video[0]


def _guessed_length(container: Any, rate: float) -> int | None:
    """Frames by how long the file says that it lasts."""
    if container.duration is None or not 0 < rate < 1000:
        return None
    return round(container.duration / av.time_base * rate) or None


def _fitted(image: np.ndarray, shape: tuple) -> np.ndarray:
    """An image as large as possible, centred on a black page of a shape (h, w, 3)."""
    if image.shape == shape:
        return image
    ratio = min(shape[0] / image.shape[0], shape[1] / image.shape[1])
    height, width = (
        max(1, min(round(length * ratio), limit))
        for length, limit in zip(image.shape[:2], shape[:2], strict=True)
    )
    page = np.zeros(shape, np.uint8)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    page[top : top + height, left : left + width] = small
    return page
