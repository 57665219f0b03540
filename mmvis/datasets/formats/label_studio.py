"""Label Studio's json: boxes through a video, and shapes or brushes on images."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from mmvis.structures.rle import RLE, encode_masks

from ..frame_files import natural_order
from . import shapes
from .contents import Contents, Track, Video, of_kinds
from .frame_folders import Frames
from .identities import LabelledMask, identified
from .options import Options
from .text_files import has_keys, read_json

_AREAS = ('brushlabels', 'polygonlabels', 'rectanglelabels', 'ellipselabels')
_UPLOAD = re.compile(r'^[0-9a-f]{8}-')  # what an upload puts before a file's name


def recognise(source: Path) -> str | None:
    if has_keys(source, '[', 'data', 'annotations', 'result'):
        return f'\'{source}\' is a list of tasks with "data" and "annotations"'
    return None


def read(source: Path, frames: Frames, options: Options) -> Contents:
    tasks = read_json(source)
    if not isinstance(tasks, list):
        raise ValueError(
            f"'{source}' is no list of tasks: export from Label Studio as JSON."
        )
    contents, of_images = Contents([]), []
    left_out: list[str] = []
    for index, task in enumerate(tasks):
        place = f"'{source}', task {task.get('id', index)}"
        results = _results(task, place, contents)
        name = task.get('data', {}).get('video')
        if name is None:
            of_images.append((place, task, results))
        else:
            contents.videos.append(
                _video(str(name), results, frames, place, contents, left_out)
            )
    if of_images:
        _images(of_images, frames, options, contents, left_out)
    if left_out:
        contents.notes.append(
            f'results without an area are left out ({of_kinds(left_out)}).'
        )
    return contents


def _results(task: dict, place: str, contents: Contents) -> list[dict]:
    kept = [a for a in task.get('annotations') or [] if not a.get('was_cancelled')]
    if len(kept) > 1:
        contents.notes.append(f'{place} has {len(kept)} annotations: the last counts.')
    return kept[-1].get('result', []) if kept else []


def _names(address: str) -> list[str]:
    """What a file may be called on disk, of its address in Label Studio."""
    path = unquote(address).split('?d=')[-1].split('?')[0]
    base = path.rsplit('/', 1)[-1]
    tail = '/'.join(path.strip('/').split('/')[-2:])
    return list(dict.fromkeys([path.strip('/'), tail, base, _UPLOAD.sub('', base)]))


def _video(
    address: str,
    results: list[dict],
    frames: Frames,
    place: str,
    contents: Contents,
    left_out: list[str],
) -> Video:
    candidates = _names(address)
    names = frames.of_video(candidates[-1], *candidates)
    height, width = frames.size(names)
    video = Video(Path(candidates[-1]).stem, names, height, width)
    for result in results:
        if result.get('type') != 'videorectangle':
            left_out.append(str(result.get('type')))
            continue
        value = result['value']
        count = value.get('framesCount', len(names))
        if count != len(names):
            raise ValueError(
                f'{place} counts {count} frames, but there are {len(names)}: the '
                'frameRate of the labelling config has to be that of the video.'
            )
        label = (value.get('labels') or ['object'])[0]
        masks = {
            frame: mask
            for frame, shape in _through_time(value['sequence'], len(names)).items()
            if (mask := _percent_box(shape, height, width))
        }
        video.tracks.append(Track(label, masks, result['id']))
    contents.notes.append(
        f"'{video.name}': Label Studio follows boxes; each mask is its whole box."
    )
    return video


def _through_time(sequence: list[dict], length: int) -> dict[int, dict]:
    """Shapes by position of the frame, from 0, of key frames that count from 1.

    Between two the numbers are linear; one that is not ``enabled`` is the last before
    the next key frame.
    """
    found: dict[int, dict] = {}
    ordered = sorted(sequence, key=lambda key: key['frame'])
    for key, after in zip(ordered, [*ordered[1:], None], strict=True):
        found[key['frame'] - 1] = key
        if not key.get('enabled', True):
            continue
        stop = length + 1 if after is None else after['frame']
        for frame in range(key['frame'] + 1, stop):
            share = (frame - key['frame']) / (stop - key['frame'])
            target = key if after is None else after
            found[frame - 1] = {
                side: key.get(side, 0)
                + (target.get(side, 0) - key.get(side, 0)) * share
                for side in ('x', 'y', 'width', 'height', 'rotation')
            }
    return {frame: shape for frame, shape in found.items() if 0 <= frame < length}


def _percent_box(value: dict, height: int, width: int) -> RLE | None:
    """A box in percent of the frame, turned clockwise around its upper left corner."""
    left, top = value['x'] * width / 100, value['y'] * height / 100
    w, h = value['width'] * width / 100, value['height'] * height / 100
    angle = math.radians(value.get('rotation') or 0)
    along = np.array([math.cos(angle), math.sin(angle)]) * w
    down = np.array([-math.sin(angle), math.cos(angle)]) * h
    corner = np.array([left, top])
    corners = [corner, corner + along, corner + along + down, corner + down]
    return shapes.polygon([c.tolist() for c in corners], height, width)


def _images(
    tasks: list[tuple[str, dict, list[dict]]],
    frames: Frames,
    options: Options,
    contents: Contents,
    left_out: list[str],
) -> None:
    of_video: dict[str, list[tuple[str, str, list[dict]]]] = {}
    for place, task, results in tasks:
        address = next(iter(task.get('data', {}).values()), '')
        names = [n for n in _names(str(address)) if '..' not in n]
        found = [n for n in names if (frames.root / n).is_file()]
        if not found:
            raise FileNotFoundError(
                f"{place}: there is no image '{names[-1]}' in '{frames.root}': give "
                'the folder with --frames.'
            )
        folder = found[0].rpartition('/')[0]
        of_video.setdefault(folder, []).append((found[0], place, results))
    for folder, images in of_video.items():
        images.sort(key=lambda image: natural_order(image[0]))
        names = [name for name, _, _ in images]
        height, width = frames.size(names)
        masks = []
        for frame, (_, place, results) in enumerate(images):
            ids = _given_ids(results)
            for result in results:
                if result.get('type') in _AREAS:
                    mask = _shape(result, height, width, place)
                    label = (result['value'].get(result['type']) or ['object'])[0]
                    group = ids.get(result.get('id'))
                    masks.append(LabelledMask(frame, label, group, mask))
                elif result.get('type') not in ('number', 'textarea', 'choices'):
                    left_out.append(str(result.get('type')))
        tracks, how = identified(masks, options.identity)
        contents.notes.append(f"'{folder or 'images'}': {how}.")
        contents.videos.append(Video(folder or 'images', names, height, width, tracks))


def _given_ids(results: list[dict]) -> dict[Any, Any]:
    """Ids of regions out of a per-region field called track, instance or id."""
    ids = {}
    for result in results:
        value, name = result.get('value', {}), str(result.get('from_name', ''))
        if result.get('type') in ('number', 'textarea') and re.search(
            r'track|instance|(^|_)id($|_)', name, re.IGNORECASE
        ):
            given = value.get('number', value.get('text'))
            ids[result.get('id')] = given[0] if isinstance(given, list) else given
    return ids


def _shape(result: dict, height: int, width: int, place: str) -> RLE:
    value, kind = result['value'], result['type']
    stated = (result.get('original_height'), result.get('original_width'))
    if None not in stated and stated != (height, width):
        raise ValueError(
            f'{place} is of an image of {stated[1]}x{stated[0]}, the frame is '
            f'{width}x{height} (width x height).'
        )
    mask: RLE | None
    if kind == 'brushlabels':
        mask = encode_masks(
            (brush_alpha(value['rle'], height, width, place) > 0)[None]
        )[0]
    elif kind == 'polygonlabels':
        points = [(x * width / 100, y * height / 100) for x, y in value['points']]
        mask = shapes.polygon(points, height, width)
    elif kind == 'ellipselabels':
        centre = (value['x'] * width / 100, value['y'] * height / 100)
        radii = (value['radiusX'] * width / 100, value['radiusY'] * height / 100)
        mask = shapes.ellipse(centre, radii, height, width, value.get('rotation') or 0)
    else:
        mask = _percent_box(value, height, width)
    if mask is None:
        raise ValueError(f'{place}: a {kind} has fewer than three points.')
    return mask


def brush_alpha(data: Sequence[int], height: int, width: int, place: str) -> np.ndarray:
    """The fourth channel (h, w) uint8 of a brush, whose bits are run-length packed.

    32 bits count the numbers, 5 are the bits of one less one, four times 4 the bits of
    a run's length less one. Then come runs: a bit for "all the same", 2 bits for which
    length, the length less one, and one number or as many as that.

    Raises:
        ValueError: the data ends early, or is of another size.
    """
    bits = np.unpackbits(np.asarray(data, np.uint8))
    position = 0

    def take(count: int) -> int:
        nonlocal position
        if position + count > len(bits):
            raise ValueError(f'{place}: a brush ends before its last pixel.')
        value = int.from_bytes(np.packbits(bits[position : position + count]), 'big')
        position += count
        return value >> (-count % 8)

    total, depth = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    if total != height * width * 4:
        raise ValueError(
            f'{place}: a brush has {total} numbers, not those of {width}x{height} '
            'pixels of four channels.'
        )
    values = np.zeros(total, np.uint8)
    index = 0
    while index < total:
        same = take(1)
        stop = index + 1 + take(lengths[take(2)])
        if same:
            values[index:stop] = take(depth)
        else:
            for place_of in range(index, min(stop, total)):
                values[place_of] = take(depth)
        index = stop
    return values.reshape(height, width, 4)[..., 3]
