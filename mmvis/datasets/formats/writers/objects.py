"""What writers of all formats ask of an annotation file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures import VISAnnotations
from mmvis.structures.rle import RLE, decode_masks, encode_masks, rle_area

from ...frame_files import natural_order


def tracks_of(content: VISAnnotations, video: dict) -> list[dict]:
    """Annotations of a video that show a pixel in any frame."""
    return [
        annotation
        for annotation in content.annotations or []
        if annotation['video_id'] == video['id'] and any(annotation['segmentations'])
    ]


def category_names(content: VISAnnotations) -> dict[int, str]:
    """{id: name}."""
    return {c['id']: c['name'] for c in content.categories}


def folder_of(video: dict) -> str:
    """The folder that all frames of a video are in; its id where they lie bare.

    Raises:
        ValueError: they are in several.
    """
    folders = {os.path.dirname(name) for name in video['file_names']}
    if len(folders) > 1:
        raise ValueError(
            f'video {video["id"]!r} has frames in {len(folders)} folders: this format '
            'needs them in one.'
        )
    return folders.pop() or f'video_{video["id"]}'


def stems_of(videos: Sequence[dict]) -> dict[Any, str]:
    """A file name without a suffix for each video, by its id."""
    names = {v['id']: folder_of(v).replace('/', '_').lstrip('.') for v in videos}
    if len(set(names.values())) == len(names):
        return names
    return {number: f'{name}_{number}' for number, name in names.items()}


def frame_stems(video: dict) -> list[str]:
    """Names of the frames without folder and suffix.

    Raises:
        ValueError: two are the same.
    """
    stems = [PurePosixPath(name).stem for name in video['file_names']]
    if len(set(stems)) < len(stems):
        raise ValueError(
            f'video {video["id"]!r} has two frames of one name: this format knows them '
            'by it.'
        )
    return stems


def note_of_order(videos: Sequence[dict]) -> list[str]:
    """What is said of a format that knows the order of frames by their names."""
    for video in videos:
        names = list(video['file_names'])
        if names != sorted(names, key=natural_order):
            return [
                f'video {video["id"]!r}: its frames are not in the order of their '
                'names, which this format goes by: they come back in another order.'
            ]
    return []


def empty_folder(path: Path) -> Path:
    """A folder that has nothing in it yet.

    Raises:
        OSError: it has, or cannot be made; the message is for the user.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"'{path}' is there and not empty: name a new folder.")
    path.mkdir(parents=True, exist_ok=True)
    return path


def without_overlaps(
    tracks: Sequence[dict], frame: int, height: int, width: int
) -> tuple[list[RLE | None], int]:
    """Masks of a frame of which no pixel is in two, and how many pixels were in more.

    A pixel belongs to the track of the highest score; without scores, to the smallest
    mask, which a larger one could hide.
    """
    masks: list[RLE | None] = [track['segmentations'][frame] for track in tracks]
    rows = [row for row, mask in enumerate(masks) if mask is not None]
    rles = [mask for mask in masks if mask is not None]
    if len(rles) < 2:
        return masks, 0
    lost = int(rle_area(rles).sum()) - int(rle_area([mask_utils.merge(rles)])[0])
    if not lost:
        return masks, 0
    pixels = decode_masks(rles, height, width)
    areas = pixels.sum((1, 2))
    scores = np.array([tracks[row].get('score', 0.0) for row in rows])
    taken = np.zeros((height, width), bool)
    for index in np.lexsort((areas, -scores)):
        pixels[index] &= ~taken
        taken |= pixels[index]
    for row, rle in zip(rows, encode_masks(pixels), strict=True):
        masks[row] = rle if rle_area([rle])[0] else None
    return masks, lost


def note_of_overlaps(lost: int) -> list[str]:
    """What is said of a format that has one object a pixel."""
    if not lost:
        return []
    return [
        f'{lost} pixels are in several masks: this format has one object a pixel, that '
        'of the highest score, or of the smallest mask.'
    ]
