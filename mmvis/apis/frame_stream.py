"""The frames of a source through a session, online and in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult

from .errors import DamagedFrameError, NoFramesError, UnreadableSourceError
from .frame_sources import FrameSource
from .notices import warn
from .read_ahead import ReadAhead
from .steps_within_memory import steps_within_memory

Stepped = tuple[np.ndarray, FrameResult]


class FrameStream:
    """Reads frames, gathers chunks and steps a session through them.

    Args:
        source (FrameSource): What is read.
        session: What the frames go through.
        chunk (int): Frames that go through at once.
        whole (bool): The model needs the whole video: nothing goes through before its
            end, and no frame may be missing.
        skips (bool): A frame that cannot be read, or that is too much for the memory,
            is left out; else it is an error.
        read_ahead (int): Frames that a thread decodes ahead; 0: no thread.
        on_damage (Callable, optional): Is told the number of a frame left out and what
            is wrong with it, in the place of the warning.
    """

    def __init__(
        self,
        source: FrameSource,
        session: Any,
        *,
        chunk: int,
        whole: bool,
        skips: bool,
        read_ahead: int,
        on_damage: Callable[[int, str], None] | None,
    ) -> None:
        self._source = source
        self._session = session
        self._chunk = chunk
        self._whole = whole
        self._skips = skips and not whole
        self._read_ahead = read_ahead
        self._on_damage = on_damage
        self._waiting: list[np.ndarray] = []
        self._first_damage: str | None = None
        self._before = 0

    def __iter__(self) -> Generator[Stepped, None, None]:
        """Frames, (h, w, 3) uint8 BGR, and what is in each.

        Raises:
            DamagedFrameError: A frame cannot be read, and none is left out.
            NoFramesError, UnreadableSourceError: There is no frame that can be read.
        """
        # Now, and not when it was made: another stream may have had the session first.
        # Of one that goes on, the source's first frame has a later number.
        self._before = self._session.num_frames
        if hasattr(self._session, 'restores'):
            self._session.restores = self._skips
        ahead = ReadAhead(self._source, self._read_ahead) if self._read_ahead else None
        seen = 0
        try:
            for index, image, damage in ahead or self._source:
                seen += 1
                if image is not None:
                    yield from self._take(image)
                    continue
                assert damage is not None  # there is an image, or this
                # What came before it is told before the error.
                yield from self._step()
                if not self._skips:
                    raise DamagedFrameError(damage)
                self._leave_out(index, damage)
                self._session.skip()
            yield from self._step()
        finally:
            if ahead is not None:
                ahead.close()
        if not seen:
            raise NoFramesError(f'The source {self._source.name!r} gave no frame.')
        if self._session.frame_size is None:
            raise UnreadableSourceError(
                f'None of the {seen} frames of {self._source.name!r} can be read: '
                f'{self._first_damage}'
            )

    def _take(self, image: np.ndarray) -> Iterator[Stepped]:
        """Let a frame wait until its chunk is full."""
        if self._waiting and image.shape != self._waiting[0].shape:
            yield from self._step()  # which refuses the next
        self._waiting.append(image)
        if len(self._waiting) >= self._chunk and not self._whole:
            yield from self._step()

    def _step(self) -> Iterator[Stepped]:
        """Let the frames that wait go through."""
        if not self._waiting:
            return
        first = self._session.num_frames - self._before
        results = steps_within_memory(self._session, self._waiting)
        for index, (image, result) in enumerate(
            zip(self._waiting, results, strict=True), first
        ):
            if isinstance(result, str):
                self._leave_out(index, result)
            elif self._before:
                yield image, replace(result, frame_id=index)
            else:
                yield image, result
        self._waiting.clear()

    def _leave_out(self, index: int, damage: str) -> None:
        if self._on_damage is not None:
            self._on_damage(index, damage)
        else:
            warn(f'{damage} It is left out.')
        self._first_damage = self._first_damage or damage
