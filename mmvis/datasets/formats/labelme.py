"""labelme: a json beside each image."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmvis.structures.frame_names import json_name
from mmvis.structures.rle import RLE

from ..frame_files import natural_order
from . import shapes
from .contents import Contents, Video, of_kinds
from .frame_folders import SUFFIXES, Frames
from .identities import LabelledMask, identified
from .options import Options
from .text_files import has_keys, read_json

_AREAS = ('polygon', 'rectangle', 'circle', 'mask', 'oriented_rectangle')


def recognise(source: Path) -> str | None:
    path = next(_jsons(source), None)
    if path is not None and has_keys(path, '{', 'shapes', 'imagePath'):
        return f'\'{path}\' has "shapes" and "imagePath"'
    return None


def read(source: Path, frames: Frames, options: Options) -> Contents:
    """Folders of jsons, each a video; see ``identified`` for who is who."""
    by_folder: dict[Path, list[Path]] = {}
    for path in _jsons(source):
        by_folder.setdefault(path.parent, []).append(path)
    if not by_folder:
        raise ValueError(f"'{source}' has no json of labelme.")
    contents = Contents([])
    without_area: list[str] = []
    for folder in sorted(by_folder, key=lambda f: natural_order(str(f))):
        name = os.path.relpath(folder, source).replace(os.sep, '/')
        name = folder.resolve().name if name == '.' else name
        video = _read_video(
            name, by_folder[folder], frames, options, contents, without_area
        )
        contents.videos.append(video)
    if without_area:
        contents.notes.append(
            f'shapes without an area are left out ({of_kinds(without_area)}).'
        )
    return contents


def _jsons(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for folder, inner, names in os.walk(source):
        inner.sort(key=natural_order)
        for name in sorted(names, key=natural_order):
            path = Path(folder, name)
            is_json = path.suffix.lower() == '.json' and not name.startswith('.')
            # An annotation file that was written beside them is none of them.
            if is_json and has_keys(path, '{', 'shapes'):
                yield path


def _read_video(
    name: str,
    paths: list[Path],
    frames: Frames,
    options: Options,
    contents: Contents,
    without_area: list[str],
) -> Video:
    records = {path: _checked(path) for path in paths}
    images = {path: _image(path, record, frames) for path, record in records.items()}
    names = list(images.values())
    if options.all_frames:
        folders = dict.fromkeys(os.path.dirname(image) for image in names)
        names += [n for folder in folders for n in frames.in_folder(folder)]
    names = sorted(dict.fromkeys(names), key=natural_order)
    height, width = frames.size(names)
    found, crowds = [], set()
    for path, record in records.items():
        stated = (record.get('imageHeight'), record.get('imageWidth'))
        if None not in stated and stated != (height, width):
            raise ValueError(
                f"'{path}' is of an image of {stated[1]}x{stated[0]}, "
                f"'{images[path]}' is {width}x{height} (width x height)."
            )
        for index, shape in enumerate(record['shapes']):
            place = f"'{path}', shape {index}"
            if _kind(shape) not in _AREAS:
                without_area.append(_kind(shape))
                continue
            if shape.get('label') in (None, ''):
                raise ValueError(f'{place}, a {_kind(shape)}, has no "label".')
            mask = _mask(shape, height, width, place)
            label = str(shape['label'])
            if (shape.get('flags') or {}).get('iscrowd'):
                crowds.add((label, shape.get('group_id')))
            frame = names.index(images[path])
            found.append(LabelledMask(frame, label, shape.get('group_id'), mask))
    try:
        tracks, how = identified(found, options.identity)
    except ValueError as error:
        raise ValueError(f"'{paths[0].parent}': {error}.") from None
    for track in tracks:
        groups = {f'{label}#{group}' for label, group in crowds}
        track.iscrowd = int(track.identity in groups)
    contents.notes.append(f"'{name}': {how}.")
    return Video(name, names, height, width, tracks)


def _checked(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
        raise ValueError(f'\'{path}\' has no list "shapes": it is no json of labelme.')
    return content


def _image(path: Path, record: dict, frames: Frames) -> str:
    """The file name of the image that a json is of."""
    stated = str(record.get('imagePath') or '').replace('\\', '/')
    base = os.path.basename(stated) or path.stem
    beside = [path.with_suffix(suffix).name for suffix in SUFFIXES]
    places = [path.parent / stated] if stated else []
    places += [path.parent / base, *(path.parent / name for name in beside)]
    places += [frames.root / path.parent.name / base, frames.root / base]
    root = frames.root.resolve()
    for place in places:
        if place.is_file():
            resolved = place.resolve()
            if root not in resolved.parents:
                raise ValueError(
                    f"'{path}': its image '{resolved}' is not below '{frames.root}': "
                    'name the folder that holds all images with --frames.'
                )
            return json_name(resolved.relative_to(root).as_posix())
    if record.get('imageData'):
        frames.use_spare()
        root = frames.root.resolve()
        place = frames.root / path.parent.name / base
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64decode(record['imageData']))
        frames.notes.append(f"the image in '{path}' is now '{place}'.")
        return json_name(place.resolve().relative_to(root).as_posix())
    raise FileNotFoundError(
        f"'{path}': there is no image '{stated or base}', and none in the json."
    )


def _kind(shape: dict) -> str:
    return str(shape.get('shape_type') or 'polygon').lower()


def _mask(shape: dict, height: int, width: int, place: str) -> RLE:
    kind, points = _kind(shape), shape.get('points') or []
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ValueError(f'{place}, a {kind}: "points" are not [[x, y], [x, y], ...].')
    mask: RLE | None = None
    try:
        if kind == 'rectangle' and len(points) == 2:
            (x0, y0), (x1, y1) = points
            mask = shapes.box(
                min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), height, width
            )
        elif kind == 'circle':
            (x, y), edge = points
            radius = ((edge[0] - x) ** 2 + (edge[1] - y) ** 2) ** 0.5
            mask = shapes.ellipse((x, y), (radius, radius), height, width)
        elif kind == 'mask':
            pixels = shapes.png_to_pixels(shape.get('mask') or '')
            left, top = (int(n) for n in points[0])
            mask = shapes.patch(pixels, left, top, height, width)
        else:
            mask = shapes.polygon(points, height, width)
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(f'{place}, a {kind}, cannot be understood: {error}.') from None
    if mask is None:
        raise ValueError(f'{place}, a {kind}, has fewer than three points.')
    return mask


def dump(record: dict) -> str:
    """The text of a json as labelme writes it."""
    return json.dumps(record, indent=2, ensure_ascii=False)
