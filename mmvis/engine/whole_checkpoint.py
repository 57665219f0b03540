"""Checkpoints, and what else mmengine writes, are either whole or not there."""

from __future__ import annotations

import io
import os
from typing import Any

import torch
from mmengine.fileio import LocalBackend, register_backend

from mmvis.structures.whole_file import whole_binary_file


def write_whole(content: Any, path: str | os.PathLike[str]) -> None:
    """``torch.save`` under a temporary name, renamed when all of it is on the disk.

    A process that is killed while it writes, or a disk that is full, leaves what had
    the name before. Missing folders are made.

    Raises:
        OSError: It cannot be written; the message is for the user.
    """
    with io.BytesIO() as buffer:
        torch.save(content, buffer)
        WholeLocalBackend().put(buffer.getbuffer(), path)


class WholeLocalBackend(LocalBackend):
    """mmengine's, through which its runner saves checkpoints and dumps files."""

    def put(self, obj: Any, filepath: Any) -> None:
        """Write bytes."""
        with whole_binary_file(filepath) as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: Any, encoding: str = 'utf-8') -> None:
        """Write text."""
        self.put(obj.encode(encoding), filepath)


register_backend('local', WholeLocalBackend, force=True, prefixes='')
