"""Some frames of a source: from one to another, every so many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil

from .errors import NoFramesError
from .frames import Frame, FrameSource


class PartOfSource(FrameSource):
    """Frames of a source from ``start`` up to ``stop``, every ``stride``, counted anew.

    Args:
        source (FrameSource): Those before ``start`` are read and left out.
        start (int): First frame.
        stop (int, optional): The frame before which it ends.
        stride (int): At least 1.
    """

    def __init__(
        self, source: FrameSource, start: int, stop: int | None, stride: int
    ) -> None:
        if stride < 1:
            raise ValueError(f'stride is a number of frames, at least 1, not {stride}.')
        if stop is not None and stop <= start:
            raise ValueError(f'stop, {stop}, is not behind start, {start}.')
        self._source = source
        self.start, self.stop, self.stride = start, stop, stride
        self.name, self.path = source.name, source.path
        self.fps = None if source.fps is None else source.fps / stride
        if source.length is not None:
            last = source.length if stop is None else min(stop, source.length)
            self.length = max(ceil((last - start) / stride), 0)
        elif stop is not None:
            self.length = None  # the source may end before
        if source.file_names is not None:
            self.file_names = source.file_names[start:stop:stride]

    def time_of(self, index: int) -> float | None:
        first = self._source.time_of(self.start)
        this = self._source.time_of(self.start + index * self.stride)
        return None if first is None or this is None else this - first

    def __iter__(self) -> Iterator[Frame]:
        index = -1
        for index, image, damage in self._source:
            if self.stop is not None and index >= self.stop:
                return
            number, rest = divmod(index - self.start, self.stride)
            if number >= 0 and not rest:
                yield Frame(number, image, damage)
        if 0 <= index < self.start:
            raise NoFramesError(
                f'{self.name} has {index + 1} frames, from 0 to {index}: none is from '
                f'{self.start} on, where it is to start.'
            )


def frame_number(text: str, fps: float | None, what: str) -> int:
    """The frame that a number, or a time such as ``90s``, means.

    Raises:
        ValueError: It is neither, or the source has no rate.
    """
    found = re.fullmatch(r'(\d+(?:\.\d+)?)(s?)', text)
    if found is None or ('.' in found[1] and not found[2]):
        raise ValueError(
            f'{what} is the number of a frame, or a time such as 90s, not {text!r}.'
        )
    if not found[2]:
        return int(found[1])
    if fps is None:
        raise ValueError(
            f'{what} is a time, but the source has no frames a second: give the number '
            'of a frame.'
        )
    return round(float(found[1]) * fps)


def part_of(
    source: FrameSource, start: str = '0', stop: str | None = None, stride: int = 1
) -> FrameSource:
    """The part of a source that is asked for; the source itself where that is all."""
    first = frame_number(start, source.fps, 'start')
    last = None if stop is None else frame_number(stop, source.fps, 'stop')
    if (first, last, stride) == (0, None, 1):
        return source
    return PartOfSource(source, first, last, stride)
