"""What can be asked of a prediction, checked before anything is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

KINDS = (
    'mp4',
    'json',
    'masks',
    'sheet',
    'html',
    'csv',
    'mots',
    'crops',
    'cvat',
    'cvat-tracks',
)
# Kinds that are a folder each.
FOLDERS = ('masks', 'crops')
ON_ERROR = ('stop', 'skip')
# Names of files, not of folders: they would be meant as one.
_OTHER_FILES = (
    *('.avi', '.csv', '.gif', '.html', '.jpg', '.json', '.mkv', '.mov', '.png'),
    *('.txt', '.webm'),
)


def check_chunk(chunk: int) -> None:
    """Refuse what is no number of frames."""
    if chunk < 1:
        raise ValueError(f'chunk is a number of frames, at least 1, not {chunk}.')


def check_score(score: float) -> None:
    """Refuse what is no score."""
    if not 0 <= score <= 1:
        raise ValueError(f'score is a number from 0 to 1, not {score}.')


def output_paths(
    out: Path, kinds: str | Sequence[str], name: str
) -> tuple[dict[str, Path], Path]:
    """Where the files of a video go.

    Args:
        out (Path): ``name.mp4``, or a folder.
        kinds (Sequence[str]): Of :data:`KINDS`.
        name (str): Of the video; what files in a folder are called.

    Returns:
        tuple[dict[str, Path], Path]: The path of each kind that is asked for, of masks
        and crops a folder; and what all names begin with.

    Raises:
        ValueError: There is no such kind, it needs a package that is not there, or
            ``out`` is a file of another kind.
    """
    kinds = [kinds] if isinstance(kinds, str) else kinds
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValueError(f'save has {unknown[0]!r}; it takes {", ".join(KINDS)}.')
    if 'html' in kinds and find_spec('av') is None:
        raise ValueError(
            'save has html, whose video needs H.264: pip install mmvis[video] (PyAV), '
            'or leave html out.'
        )
    suffix = out.suffix.lower()
    if suffix in _OTHER_FILES and not out.is_dir():
        raise ValueError(
            f'out is {out}, but videos are written as mp4: give NAME.mp4, or a '
            'folder for all files.'
        )
    stem = out.with_suffix('') if suffix == '.mp4' else out / name
    paths = {
        'mp4': Path(f'{stem}.mp4'),
        'json': Path(f'{stem}.json'),
        'masks': Path(f'{stem}_masks'),
        'sheet': Path(f'{stem}_sheet.jpg'),
        'html': Path(f'{stem}.html'),
        'csv': Path(f'{stem}.csv'),
        'mots': Path(f'{stem}_mots.txt'),
        'crops': Path(f'{stem}_crops'),
        'cvat': Path(f'{stem}_cvat.xml'),
        'cvat-tracks': Path(f'{stem}_cvat_tracks.xml'),
    }
    return {kind: paths[kind] for kind in KINDS if kind in kinds}, stem
