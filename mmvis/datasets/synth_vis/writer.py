"""Writing a split of SynthVIS: PNG frames and a YouTube-VIS json."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .drawing import Drawing
from .scene import Preset
from .video import VERSION, check_request

SPLIT_SEEDS = {'train': 0, 'valid': 1}
"""Seeds of the splits that results are reported on."""

_FRAMES = 'JPEGImages'  # the name that all YouTube-VIS sets give this folder


def write_split(
    root: str | Path,
    split: str,
    num_videos: int,
    preset: str = 'tiny',
    seed: int | None = None,
    workers: int = 2,
    progress: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write ``<root>/<split>/instances.json`` and its frames.

    Frames are ``<root>/<split>/JPEGImages/<video>/<frame>.png``. The json comes last
    and in one piece, so that a split with a json is complete; one that is there with
    the same parameters and all its frames is left as it is.

    Args:
        root: Folder of the splits; made if it is not there.
        split: Name of the split, part of what the randomness starts from.
        num_videos: How many videos. The first n of a longer split are the same.
        preset: 'tiny', 'small', 'full' or 'bench'.
        seed: Seed of the split; by default that of ``SPLIT_SEEDS``.
        workers: Processes that draw; they change nothing in the result.
        progress: Show a progress bar.
        overwrite: Write the split again if another one, or this one, is there.

    Returns:
        The path of the json.

    Raises:
        ValueError: A parameter that cannot be used.
        FileExistsError: Another split is there and ``overwrite`` is False.
        RuntimeError: A process that draws was ended.
    """
    if seed is None:
        if split not in SPLIT_SEEDS:
            raise ValueError(f'The split {split!r} has no default seed: give one.')
        seed = SPLIT_SEEDS[split]
    if num_videos < 1:
        raise ValueError(f'A split has at least one video, not {num_videos}.')
    kind = check_request(VERSION, preset)  # before anything is replaced
    folder = Path(root) / split
    path = folder / 'instances.json'
    info = dict(
        description='SynthVIS, a generated video instance segmentation benchmark',
        version=VERSION,
        preset=preset,
        seed=seed,
        split=split,
        num_videos=num_videos,
    )
    if path.exists() and not overwrite:
        there = _read(path)
        if there.get('info') != info:
            raise FileExistsError(
                f'{path} holds another split; choose another folder, or overwrite it.'
            )
        if _frames_exist(folder / _FRAMES, there):
            return path
    path.unlink(missing_ok=True)
    _remove_videos(folder / _FRAMES)
    content: dict[str, Any] = dict(
        info=info, videos=[], annotations=[], categories=_categories(kind)
    )
    drawing = Drawing(str(folder / _FRAMES), split, seed, preset)
    records = drawing.videos(num_videos, workers)
    for record in tqdm(
        records, f'SynthVIS {split}', num_videos, unit='video', disable=not progress
    ):
        content['videos'].append(record['video'])
        content['annotations'] += record['annotations']
    partial_path = path.with_suffix('.json.part')
    partial_path.write_text(json.dumps(content), encoding='utf-8')
    os.replace(partial_path, path)
    return path


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _frames_exist(folder: Path, content: dict) -> bool:
    names = (name for video in content['videos'] for name in video['file_names'])
    return all((folder / name).is_file() for name in names)


def _remove_videos(folder: Path) -> None:
    """Clear what an earlier split left, which may have had more or longer videos."""
    if folder.is_dir():
        for video in folder.iterdir():
            if re.fullmatch(r'\d{4,}', video.name) and video.is_dir():
                shutil.rmtree(video)


def _categories(preset: Preset) -> list[dict]:
    return [
        dict(id=category.id, name=category.name, supercategory='shape')
        for category in preset.categories
    ]
