"""Files that are either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, TextIO
from uuid import uuid4


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[TextIO]:
    """A file to write text (UTF-8) to, which takes its name when the block ends.

    Where the block fails, what had that name before stays. Missing folders are made.

    Raises:
        OSError: It cannot be written; the message is for the user.
    """
    with _whole(Path(path), 'w', encoding='utf-8') as file:
        yield file  # type: ignore[misc]


@contextmanager
def whole_binary_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """:func:`whole_file` of bytes, which are on the disk when it takes its name."""
    with _whole(Path(path), 'wb') as file:
        yield file  # type: ignore[misc]
        file.flush()
        # A rename may reach the disk before the bytes do.
        os.fsync(file.fileno())


def write_whole(path: str | os.PathLike, data: bytes) -> None:
    """Write a file of which there may be thousands: whole, or not there.

    Raises:
        OSError: It cannot be written; the message is for the user.
    """
    with _whole(Path(path), 'wb') as file:
        file.write(data)


@contextmanager
def _whole(path: Path, mode: str, encoding: str | None = None) -> Iterator[IO]:
    # Several processes, on several machines, may write the same file.
    part = path.with_name(f'.{path.name}.{uuid4().hex[:8]}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open(mode, encoding=encoding) as file:
                yield file
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f'{path} cannot be written: {reason}.') from None
