"""Checkpoints that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch


def write_whole(content: Any, path: str | os.PathLike[str]) -> None:
    """``torch.save`` under a temporary name, which is renamed when all is on the disk.

    A process that is killed while it writes, or a disk that is full, leaves what had
    the name before. Missing folders are made.

    Raises:
        OSError: It cannot be written; the message is for the user.
    """
    path = Path(path)
    part = path.with_name(f'.{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open('wb') as file:
                torch.save(content, file)
                file.flush()
                # A rename may reach the disk before the bytes do.
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _sentence(path, error) from None
    except RuntimeError as error:
        # torch's writer closes a file that is full with an error of its own.
        if isinstance(error.__context__, OSError):
            raise _sentence(path, error.__context__) from None
        raise


def _sentence(path: Path, error: OSError) -> OSError:
    reason = error.strerror or str(error)
    return OSError(error.errno, f'{path} cannot be written: {reason}.')
