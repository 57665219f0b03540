"""Whether files can be written where they are to go: asked before the first frame."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .requests import FOLDERS

# Bytes of a file's name that all common file systems take.
_LONGEST_NAME = 255
# What is put around the name while a json is written.
_LONGEST_SUFFIX = len('._video.json.12345678.part')


def check_places(paths: Mapping[str, Path], stem: Path, source: Path | None) -> None:
    """Make the folder of a video's files, and refuse places that would fail or harm.

    Args:
        paths, stem, source: See :func:`refuse_places`.

    Raises:
        ValueError: The folder cannot be made or written to, or as there.
    """
    refuse_places(paths, stem, source)
    folder, reason = stem.parent, None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
    if reason is not None or not os.access(folder, os.W_OK):
        raise ValueError(
            f'The folder {folder} cannot be '
            + (f'made ({reason})' if reason else 'written to')
            + ': take another place as out.'
        )


def refuse_places(paths: Mapping[str, Path], stem: Path, source: Path | None) -> None:
    """Refuse places by what is there already; nothing is made.

    Args:
        paths (Mapping[str, Path]): Where each kind goes; masks and crops are folders.
        stem (Path): What all names begin with.
        source (Path, optional): The file that the frames come from.

    Raises:
        ValueError: The name is too long, a file would replace the source or a folder,
            or a folder of masks or crops has files, which would be mixed with those of
            this run.
    """
    if len(os.fsencode(stem.name)) + _LONGEST_SUFFIX > _LONGEST_NAME:
        raise ValueError(
            f'The name {stem.name[:40]}... is too long for files that are called like '
            'it: give a shorter NAME.mp4 as out.'
        )
    kept = source if source is not None and source.exists() else None
    for kind, path in paths.items():
        if kept is not None and path.exists() and path.samefile(kept):
            raise ValueError(
                f'{path} is the video itself, which would be overwritten: take another '
                'name or folder as out.'
            )
        if kind not in FOLDERS and path.is_dir():
            raise ValueError(f'{path} is a folder: take another name as out.')
        if kind in FOLDERS and path.exists() and not path.is_dir():
            raise ValueError(f'{path} is no folder: take another name as out.')
        if kind in FOLDERS and path.is_dir() and any(path.iterdir()):
            raise ValueError(
                f'{path} has files, perhaps of an earlier run, which would be mixed '
                'with the new ones: remove it, or take another name as out.'
            )
