"""Datumaro's json, as CVAT and others export it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmvis.structures.rle import RLE
from mmvis.structures.segmentation import to_rle

from ..frame_files import natural_order
from . import shapes
from .contents import Contents, Video, of_kinds
from .frame_folders import SUFFIXES, Frames
from .identities import LabelledMask, identified
from .options import Options
from .text_files import has_keys, read_json


def _file(source: Path) -> Path:
    """The json; in a folder the first of its subsets."""
    if not source.is_dir():
        return source
    found = sorted((source / 'annotations').glob('*.json'))
    return found[0] if found else source


def recognise(source: Path) -> str | None:
    path = _file(source)
    if has_keys(path, '{', 'items', 'categories', 'labels'):
        return f'\'{path}\' has "items" and "categories", as Datumaro'
    return None


def read(source: Path, frames: Frames, options: Options) -> Contents:
    path = _file(source)
    content = read_json(path)
    labels = [label['name'] for label in content['categories']['label']['labels']]
    contents, left_out = Contents([], labels), []
    of_video: dict[str, list[tuple[str, dict]]] = {}
    for item in content['items']:
        name = _image(item, path.stem, frames)
        of_video.setdefault(os.path.dirname(name), []).append((name, item))
    for folder, items in of_video.items():
        items.sort(key=lambda pair: _order(*pair))
        names = [name for name, _ in items]
        height, width = frames.size(names)
        masks = []
        for frame, (name, item) in enumerate(items):
            for annotation in item.get('annotations', []):
                attributes = annotation.get('attributes') or {}
                if attributes.get('outside') is True:
                    continue
                mask = _mask(annotation, height, width, f"'{path}', '{name}'")
                if mask is None:
                    left_out.append(annotation.get('type', 'none'))
                    continue
                group = attributes.get('track_id', annotation.get('group') or None)
                label = labels[annotation['label_id']]
                masks.append(LabelledMask(frame, label, group, mask))
        tracks, how = identified(masks, options.identity)
        name = os.path.basename(folder) or path.stem
        contents.notes.append(f"'{name}': {how}.")
        contents.videos.append(Video(name, names, height, width, tracks))
    if left_out:
        contents.notes.append(
            f'annotations without an area are left out ({of_kinds(left_out)}).'
        )
    return contents


def _order(name: str, item: dict) -> tuple[int, Any]:
    frame = (item.get('attr') or {}).get('frame')
    return (0, frame) if type(frame) is int else (1, natural_order(name))


def _image(item: dict, subset: str, frames: Frames) -> str:
    stated = str((item.get('image') or {}).get('path') or '').replace('\\', '/')
    names = [stated] if stated else []
    names += [f'{item["id"]}{suffix}' for suffix in SUFFIXES]
    for name in names:
        for place in (name, f'images/{name}', f'images/{subset}/{name}'):
            if '..' not in place and (frames.root / place).is_file():
                return place
    raise FileNotFoundError(
        f"There is no image of item '{item['id']}' in '{frames.root}': give the folder "
        'with --frames.'
    )


def _mask(annotation: dict, height: int, width: int, place: str) -> RLE | None:
    kind = annotation.get('type')
    try:
        if kind == 'mask':
            return to_rle(annotation['rle'], height, width)
        if kind == 'polygon':
            return to_rle([annotation['points']], height, width)
        if kind == 'bbox':
            x, y, w, h = annotation['bbox']
            return shapes.box(x, y, x + w, y + h, height, width)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{place}: a {kind} cannot be understood: {error}.') from None
    return None
