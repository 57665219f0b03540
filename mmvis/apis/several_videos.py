"""Several videos of one command: which, and where the files of each go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmvis.datasets.frame_files import natural_order

from .image_sources import IMAGE_SUFFIXES

VIDEO_SUFFIXES = (
    *('.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg'),
    *('.mpg', '.mts', '.ogv', '.ts', '.webm', '.wmv'),
)


def all_videos(words: Sequence[str]) -> list[str]:
    """Words, but the videos of a folder of videos in its place, in natural order.

    A folder with images in it is a video itself.
    """
    videos: list[str] = []
    for word in words:
        folder = Path(word).expanduser()
        videos += _videos_in(folder) if folder.is_dir() else [word]
    return videos


def _videos_in(folder: Path) -> list[str]:
    shown = [path for path in folder.iterdir() if not path.name.startswith('.')]
    found = [path for path in shown if path.suffix.lower() in VIDEO_SUFFIXES]
    if not found or any(path.suffix.lower() in IMAGE_SUFFIXES for path in shown):
        return [str(folder)]
    return [str(p) for p in sorted(found, key=lambda path: natural_order(path.name))]


def folders_of(names: Sequence[str], out: str | None) -> list[Path]:
    """The place of the files of each video.

    Args:
        names (Sequence[str]): Of the videos.
        out (str, optional): A folder for all of them, in which each has its own; None:
            ``<name>_mmvis`` here.

    Raises:
        ValueError: ``out`` is the name of one file.
    """
    if out is not None and Path(out).suffix.lower() == '.mp4':
        raise ValueError(
            f'out is {out}, one file, but there are {len(names)} videos: give a folder.'
        )
    used: set[str] = set()
    folders = []
    for name in names:
        unique, number = name, 2
        while unique in used:
            unique, number = f'{name}_{number}', number + 1
        used.add(unique)
        folders.append(Path(f'{unique}_mmvis') if out is None else Path(out, unique))
    return folders
