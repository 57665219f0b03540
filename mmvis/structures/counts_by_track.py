"""Run lengths of a video's tracks, whose memory a limit bounds."""

from __future__ import annotations

import math
import struct
import tempfile
import weakref
from collections.abc import Hashable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

# Where the record before of the same track is, the frame, and the number of bytes.
_HEAD = struct.Struct('<qqq')
_NONE = -1


class CountsByTrack:
    """Packed run lengths by track and frame, added frame by frame, read by track.

    Each is a record that knows where the one before of its track is. What is more than
    the limit goes to a file without a name in the system's folder for temporary files
    (``TMPDIR``), so that memory grows with tracks, not with frames. Where that folder
    is full, records stay in memory.

    Args:
        limit (float): Bytes of records that memory holds; infinite: all of them.

    Examples:
        >>> counts = CountsByTrack(limit=1 << 20)
        >>> counts.add(track=7, frame=0, counts=b'...')
        >>> counts.of(7)
        {0: b'...'}
    """

    def __init__(self, limit: float = math.inf) -> None:
        self._limit = limit
        self._last: dict[Hashable, int] = {}
        self._recent = bytearray()
        self._file: BinaryIO | None = None
        self._in_file = 0

    def __iter__(self) -> Iterator[Any]:
        """The tracks, in the order in which they were first added."""
        return iter(self._last)

    @property
    def bytes_in_memory(self) -> int:
        """Bytes of the records that are not in the file."""
        return len(self._recent)

    def add(self, track: Hashable, frame: int, counts: bytes) -> None:
        """Keep the run lengths of a track in a frame; a pair comes once."""
        place = self._in_file + len(self._recent)
        head = _HEAD.pack(self._last.get(track, _NONE), frame, len(counts))
        self._recent += head + counts
        self._last[track] = place
        if len(self._recent) > self._limit:
            self._put_away()

    def of(self, track: Hashable) -> dict[int, bytes]:
        """Run lengths of a track by frame, the latest first; empty if it has none."""
        found = {}
        place = self._last.get(track, _NONE)
        while place != _NONE:
            before, frame, length = _HEAD.unpack(self._read(place, _HEAD.size))
            found[frame] = self._read(place + _HEAD.size, length)
            place = before
        return found

    def _read(self, place: int, length: int) -> bytes:
        # A record is never in both: whole ones are put away.
        if place >= self._in_file:
            start = place - self._in_file
            return bytes(self._recent[start : start + length])
        assert self._file is not None
        self._file.seek(place)
        return self._file.read(length)

    def _put_away(self) -> None:
        """Move what is in memory to the file."""
        try:
            if self._file is None:
                self._file = _nameless_file()
                weakref.finalize(self, self._file.close)
            self._file.seek(self._in_file)
            rest = bytes(self._recent)
            while rest:  # a file without buffer may take less than it is given
                rest = rest[self._file.write(rest) :]
        except OSError:
            if self._file is not None:  # what was taken is room that others need
                with suppress(OSError):
                    self._file.truncate(self._in_file)
            # Tried again when there is twice as much.
            self._limit = 2 * len(self._recent)
            return
        self._in_file += len(self._recent)
        self._recent.clear()

    def __getstate__(self) -> dict[str, Any]:
        """For copies and other processes: all of it in memory."""
        records = self._read(0, self._in_file) if self._in_file else b''
        return dict(
            vars(self),
            _recent=bytearray(records) + self._recent,
            _file=None,
            _in_file=0,
        )


def _nameless_file() -> BinaryIO:
    """It is gone when it is closed, whatever ends the process.

    Without a buffer: what could not be written must not come again later.
    """
    return tempfile.TemporaryFile(buffering=0, prefix='mmvis_')
