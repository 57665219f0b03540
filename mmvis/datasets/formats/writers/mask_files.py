"""MOTS txt and DAVIS PNGs: formats of one object a pixel."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.structures import VISAnnotations
from mmvis.structures.rle import decode_masks

from .objects import (
    category_names,
    empty_folder,
    folder_of,
    frame_stems,
    note_of_order,
    note_of_overlaps,
    stems_of,
    tracks_of,
    without_overlaps,
)

_MOST_IN_CLASS = 1000
_VOID, _MOST_IN_PNG = 255, 254


def write_mots(content: VISAnnotations, out: Path) -> list[str]:
    """A folder with a txt a video, and labels.txt, whose lines are the classes from 1.

    Frames have the number at the end of their name, or count from 0. Crowds are regions
    to ignore.
    """
    empty_folder(out)
    names = category_names(content)
    class_of = {number: index for index, number in enumerate(names, start=1)}
    lost = 0
    for video, stem in zip(
        content.videos, stems_of(content.videos).values(), strict=True
    ):
        tracks = tracks_of(content, video)
        values = _mots_values(tracks, class_of, video)
        numbers = _numbers(video)
        lines = []
        for frame, number in enumerate(numbers):
            size = (video['height'], video['width'])
            masks, more = without_overlaps(tracks, frame, *size)
            lost += more
            for (class_id, value), mask in zip(values, masks, strict=True):
                if mask is not None:
                    counts = mask['counts'].decode()
                    height, width = size
                    lines.append(
                        f'{number} {value} {class_id} {height} {width} {counts}\n'
                    )
        (out / f'{stem}.txt').write_text(''.join(lines), encoding='utf-8')
    labels = ''.join(f'{name}\n' for name in names.values())
    (out / 'labels.txt').write_text(labels, encoding='utf-8')
    return note_of_overlaps(lost) + note_of_order(content.videos)


def _mots_values(
    tracks: list[dict], class_of: dict[int, int], video: dict
) -> list[tuple[int, int]]:
    """(class, class * 1000 + number) of each track."""
    values, used = [], dict.fromkeys(class_of.values(), 0)
    for track in tracks:
        class_id = class_of[track['category_id']]
        if track['iscrowd']:
            values.append((10, 10000))
            continue
        used[class_id] += 1
        if used[class_id] >= _MOST_IN_CLASS:
            raise ValueError(
                f'video {video["id"]!r} has more than {_MOST_IN_CLASS - 1} objects of '
                'a category, which MOTS cannot number.'
            )
        values.append((class_id, class_id * _MOST_IN_CLASS + used[class_id]))
    return values


def _numbers(video: dict) -> list[int]:
    digits = [re.search(r'(\d+)$', stem) for stem in frame_stems(video)]
    numbers = [int(found[1]) for found in digits if found]
    if len(set(numbers)) == video['length']:
        return numbers
    return list(range(video['length']))


def write_davis(content: VISAnnotations, out: Path) -> list[str]:
    """``<out>/Annotations/<video>/<frame>.png``, and categories.json.

    Objects are 1, 2, ... by their order in a video; crowds are 255, void.
    """
    empty_folder(out)
    names = category_names(content)
    palette = _palette()
    categories: dict[str, dict[str, str]] = {}
    lost = 0
    for video in content.videos:
        folder = out / 'Annotations' / folder_of(video)
        folder.mkdir(parents=True, exist_ok=True)
        tracks = tracks_of(content, video)
        objects = [track for track in tracks if not track['iscrowd']]
        if len(objects) > _MOST_IN_PNG:
            raise ValueError(
                f'video {video["id"]!r} has {len(objects)} objects, a PNG of DAVIS '
                f'{_MOST_IN_PNG} at most.'
            )
        number = {track['id']: n for n, track in enumerate(objects, start=1)}
        categories[folder_of(video)] = {
            str(n): names[track['category_id']] for n, track in enumerate(objects, 1)
        }
        size = (video['height'], video['width'])
        for frame, stem in enumerate(frame_stems(video)):
            masks, more = without_overlaps(tracks, frame, *size)
            lost += more
            values = np.zeros(size, np.uint8)
            for track, mask in zip(tracks, masks, strict=True):
                if mask is not None and mask_utils.area(mask):
                    value = number.get(track['id'], _VOID)
                    values[decode_masks([mask], *size)[0]] = value
            image = Image.fromarray(values)
            image.putpalette(palette)
            image.save(folder / f'{stem}.png')
    text = json.dumps(categories, indent=2, ensure_ascii=False)
    (out / 'categories.json').write_text(text, encoding='utf-8')
    return note_of_overlaps(lost) + note_of_order(content.videos)


def _palette() -> list[int]:
    """256 colours whose neighbours differ: bits of the index, spread over channels."""
    colours = np.zeros((256, 3), np.int64)
    for bit in range(8):
        channel, place = bit % 3, 7 - bit // 3
        colours[:, channel] |= (np.arange(256) >> bit & 1) << place
    return colours.ravel().tolist()
