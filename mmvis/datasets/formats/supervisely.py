"""A video project of Supervisely: ``meta.json`` and data sets of videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmvis.structures.rle import RLE

from ..converters.image_folders import folders_in
from . import shapes
from .contents import Contents, Track, Video, of_kinds
from .frame_folders import Frames
from .options import Options
from .text_files import read_json


def recognise(source: Path) -> str | None:
    meta = read_json(source / 'meta.json', missing_ok=True) if source.is_dir() else None
    if isinstance(meta, dict) and 'classes' in meta and _files(source):
        return f'\'{source}\' has a meta.json with "classes", and ann/ beside video/'
    return None


def _files(source: Path) -> list[Path]:
    """The jsons of all videos."""
    return [
        path
        for name in folders_in(source)
        for path in sorted((source / name / 'ann').glob('*.json'))
    ]


def read(source: Path, frames: Frames, options: Options) -> Contents:
    meta = read_json(source / 'meta.json')
    contents = Contents([], [record['title'] for record in meta['classes']])
    left_out: list[str] = []
    for path in _files(source):
        contents.videos.append(_video(path, frames, left_out))
    if left_out:
        contents.notes.append(
            f'figures without an area are left out ({of_kinds(left_out)}).'
        )
    return contents


def _video(path: Path, frames: Frames, left_out: list[str]) -> Video:
    content = read_json(path)
    clip = path.parent.parent / 'video' / path.stem  # clip.mp4 of clip.mp4.json
    if clip.is_file() and not frames.clips:
        frames.use_spare()
        here = Frames(frames.root, [clip], notes=frames.notes)
        names = here.of_video(clip.name)
    else:
        names = frames.of_video(clip.name)
    height, width = frames.size(names)
    stated = content.get('size', {})
    if stated and (stated['height'], stated['width']) != (height, width):
        raise ValueError(
            f"'{path}' is of frames of {stated['width']}x{stated['height']}, they are "
            f'{width}x{height} (width x height).'
        )
    tracks = {
        record['key']: Track(record['classTitle'], {}, record['key'])
        for record in content['objects']
    }
    for record in content['frames']:
        frame = record['index']
        if not 0 <= frame < len(names):
            raise ValueError(
                f"'{path}' has a figure in frame {frame} of {len(names)} frames."
            )
        for figure in record['figures']:
            place = f"'{path}', frame {frame}"
            mask = _mask(figure, height, width, place)
            if mask is None:
                left_out.append(figure['geometryType'])
                continue
            masks = tracks[figure['objectKey']].masks
            earlier = [masks[frame]] if frame in masks else []
            masks[frame] = shapes.union([*earlier, mask])
    return Video(clip.stem, names, height, width, list(tracks.values()))


def _mask(figure: dict, height: int, width: int, place: str) -> RLE | None:
    kind, geometry = figure['geometryType'], figure['geometry']
    try:
        if kind == 'bitmap':
            bitmap = geometry['bitmap']
            pixels = shapes.png_to_pixels(bitmap['data'], compressed=True)
            left, top = bitmap['origin']
            return shapes.patch(pixels, left, top, height, width)
        points = geometry.get('points', {})
        if kind == 'polygon':
            return shapes.polygon_with_holes(
                points['exterior'], points.get('interior', []), height, width
            )
        if kind == 'rectangle':  # corners are the pixels within
            (x0, y0), (x1, y1) = np.sort(np.array(points['exterior']), axis=0).tolist()
            return shapes.box(x0, y0, x1 + 1, y1 + 1, height, width)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{place}: a {kind} cannot be understood: {error}.') from None
    return None
