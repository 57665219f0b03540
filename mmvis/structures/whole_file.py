"""Text files that are either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[TextIO]:
    """A file to write text (UTF-8) to, which takes its name when the block ends.

    Where the block fails, what had that name before stays. Missing folders are made.

    Raises:
        OSError: It cannot be written; the message is for the user.
    """
    path = Path(path)
    part = path.with_name(f'.{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open('w', encoding='utf-8') as file:
                yield file
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f'{path} cannot be written: {reason}.') from None
