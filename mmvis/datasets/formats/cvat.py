"""CVAT for video 1.1 (tracks) and CVAT for images 1.1, both xml."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree.ElementTree import Element

from mmvis.structures.rle import RLE

from . import shapes
from .contents import Contents, Track, Video, count_of, of_kinds
from .cvat_interpolation import Shape, shapes_of_frames
from .frame_folders import Frames
from .identities import LabelledMask, identified
from .options import Options
from .text_files import has_member, read_xml

_KINDS = ('box', 'ellipse', 'polygon', 'mask')


def _file(source: Path) -> Path:
    return source / 'annotations.xml' if source.is_dir() else source


def recognise(source: Path) -> str | None:
    path = _file(source)
    if path.suffix.lower() not in ('.xml', '.zip') or not path.is_file():
        return None
    if path.suffix.lower() == '.zip' and not has_member(path, 'annotations.xml'):
        return None
    root = read_xml(path)  # xml that is damaged is of no other format
    inside = next(
        (f'<{e.tag}>' for e in root if e.tag in ('track', 'image')), 'no track'
    )
    if root.tag != 'annotations' or (
        root.find('version') is None and inside == 'no track'
    ):
        return None
    return f"'{path}' is xml of <annotations> with {inside}"


def read(source: Path, frames: Frames, options: Options) -> Contents:
    path = _file(source)
    root = read_xml(path)
    labels = [e.text or '' for e in root.iterfind('meta//labels/label/name')]
    contents = Contents([], categories=labels or None)
    left_out: list[str] = []
    if root.find('image') is not None:
        _read_images(root, frames, options, contents, left_out)
    else:
        for task, tracks in _tasks(root):
            contents.videos.append(
                _read_task(path, task, tracks, frames, contents, left_out)
            )
    if left_out:
        contents.notes.append(
            f'shapes without an area are left out ({of_kinds(left_out)}).'
        )
    return contents


def _tasks(root: Element) -> list[tuple[Element, list[Element]]]:
    """Each task's element of <meta>, and its tracks; a project has several."""
    tracks = root.findall('track')
    project = root.findall('meta/project/tasks/task')
    if not project:
        found = [e for kind in ('task', 'job') for e in root.iterfind(f'meta/{kind}')]
        return [(found[0] if found else Element('task'), tracks)]
    return [
        (task, [t for t in tracks if t.get('task_id') == task.findtext('id')])
        for task in project
    ]


def _read_task(
    path: Path,
    task: Element,
    tracks: list[Element],
    frames: Frames,
    contents: Contents,
    left_out: list[str],
) -> Video:
    name = task.findtext('name') or path.resolve().parent.name
    listed = frames.of_video(name, task.findtext('source') or '', 'images')
    numbers, names = _numbered(path, task, listed)
    height, width = frames.size(names)
    stated = (
        task.findtext('original_size/height'),
        task.findtext('original_size/width'),
    )
    if None not in stated and stated != (str(height), str(width)):
        raise ValueError(
            f"'{path}' is of frames of {stated[1]}x{stated[0]}, those of '{name}' are "
            f'{width}x{height} (width x height).'
        )
    video = Video(name, names, height, width)
    position = {number: frame for frame, number in enumerate(numbers)}
    merged: dict[str, Track] = {}
    count = 0
    for index, element in enumerate(tracks):
        number = element.get('id', str(index))
        place = f"'{path}', track {number}"
        label = _label(element, place)
        keys = _keys(element, place, left_out, contents.notes)
        stray = [frame for frame in keys if frame not in position]
        if stray and not keys[stray[0]].outside:
            raise ValueError(
                f'{place} has a shape in frame {stray[0]}, which the task lacks: its '
                f'{len(numbers)} frames are {numbers[0]} to {numbers[-1]}.'
            )
        masks = {
            position[frame]: mask
            for frame, shape in shapes_of_frames(keys, numbers).items()
            if frame in position
            and (mask := _mask(shape, height, width, f'{place}, frame {frame}'))
        }
        group = element.get('group_id') or '0'
        identity = f'track {number}' if group == '0' else f'group {group} of {label}'
        known = merged.setdefault(identity, Track(label, {}, identity))
        marks = element.iterfind('*/attribute[@name="iscrowd"]')
        known.iscrowd |= int(any(mark.text == 'true' for mark in marks))
        count += bool(known.masks)
        for frame, mask in masks.items():
            earlier = [known.masks[frame]] if frame in known.masks else []
            known.masks[frame] = shapes.union([*earlier, mask])
    if count:
        contents.notes.append(
            f"'{name}': {count_of(count, 'track')} joined with others of the same "
            'group and label, as CVAT does in its exports.'
        )
    video.tracks = list(merged.values())
    return video


def _numbered(
    path: Path, task: Element, listed: list[str]
) -> tuple[list[int], list[str]]:
    """Numbers of the task's frames in its video, and their file names."""
    step = re.search(r'step=(\d+)', task.findtext('frame_filter') or '')
    every = int(step[1]) if step else 1
    start = int(task.findtext('start_frame') or 0)
    size = int(task.findtext('size') or len(listed))
    numbers = [start + every * index for index in range(size)]
    if len(listed) == size:
        return numbers, listed
    if numbers and numbers[-1] < len(listed):
        return numbers, [listed[number] for number in numbers]
    raise ValueError(
        f"'{path}': the task has {count_of(size, 'frame')}, up to number "
        f'{numbers[-1] if numbers else 0}, but there are {len(listed)}, first '
        f"'{listed[0]}': give the folder of its frames with --frames, or its video "
        'file with --video.'
    )


def _label(element: Element, place: str) -> str:
    label = element.get('label')
    if not label:
        raise ValueError(f'{place} has no label="...".')
    return label


def _keys(
    element: Element, place: str, left_out: list[str], notes: list[str]
) -> dict[int, Shape]:
    keys: dict[int, Shape] = {}
    for child in element:
        if child.tag not in _KINDS:
            left_out.append(child.tag)
            continue
        try:
            frame, shape = int(_text(child, 'frame')), _shape(child)
        except ValueError as error:
            raise ValueError(f'{place}, <{child.tag}>, is damaged: {error}.') from None
        if frame in keys and not keys[frame].outside and not shape.outside:
            notes.append(f'{place} has two shapes in frame {frame}: the last counts.')
        keys[frame] = shape
    return keys


def _text(element: Element, key: str) -> str:
    text = element.get(key)
    if text is None:
        raise ValueError(f'it has no {key}="..."')
    return text


def _shape(element: Element) -> Shape:
    outside = element.get('outside') == '1'
    if element.tag == 'polygon':
        points = _text(element, 'points')
        pairs = [pair.split(',') for pair in points.strip().strip(';').split(';')]
        if not all(len(pair) == 2 for pair in pairs):
            raise ValueError(f'points are "x,y;x,y;...", not "{points[:40]}"')
        numbers = tuple(float(n) for pair in pairs for n in pair)
        return Shape('polygon', numbers, outside=outside)
    if element.tag == 'mask':
        runs = tuple(float(n) for n in _text(element, 'rle').split(','))
        place = tuple(
            int(_text(element, k)) for k in ('left', 'top', 'width', 'height')
        )
        return Shape('mask', runs, outside=outside, place=place)
    keys = ('xtl', 'ytl', 'xbr', 'ybr') if element.tag == 'box' else _ELLIPSE
    numbers = tuple(float(_text(element, key)) for key in keys)
    return Shape(element.tag, numbers, float(element.get('rotation', 0)), outside)


_ELLIPSE = ('cx', 'cy', 'rx', 'ry')


def _mask(shape: Shape, height: int, width: int, place: str) -> RLE | None:
    numbers = shape.numbers
    try:
        if shape.kind == 'box':
            x0, y0, x1, y1 = numbers
            return shapes.box(x0, y0, x1, y1, height, width, shape.degrees)
        if shape.kind == 'ellipse':
            return shapes.ellipse(
                numbers[:2], numbers[2:], height, width, shape.degrees
            )
        if shape.kind == 'polygon':
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            return shapes.polygon(points, height, width)
        left, top, w, h = shape.place
        pixels = shapes.rows_to_pixels([int(n) for n in numbers], h, w)
        return shapes.patch(pixels, left, top, height, width)
    except ValueError as error:
        raise ValueError(f'{place}: {error}.') from None


def _read_images(
    root: Element,
    frames: Frames,
    options: Options,
    contents: Contents,
    left_out: list[str],
) -> None:
    """Images of CVAT for images; a folder of them is a video."""
    of_video: dict[str, list[Element]] = {}
    for image in sorted(root.findall('image'), key=lambda e: int(e.get('id', 0))):
        of_video.setdefault(os.path.dirname(image.get('name', '')), []).append(image)
    for folder, images in of_video.items():
        names = [_found(image.get('name', ''), frames) for image in images]
        height, width = frames.size(names)
        found = []
        for frame, image in enumerate(images):
            place = f'image {image.get("name")!r}'
            for child in image:
                if child.tag not in _KINDS:
                    left_out += [child.tag] if child.tag != 'tag' else []
                    continue
                try:
                    mask = _mask(_shape(child), height, width, place)
                except ValueError as error:
                    raise ValueError(f'{place}, <{child.tag}>: {error}') from None
                if mask:
                    group = child.get('group_id')
                    group = None if group == '0' else group
                    label = _label(child, f'{place}, <{child.tag}>,')
                    found.append(LabelledMask(frame, label, group, mask))
        tracks, how = identified(found, options.identity)
        name = folder or 'images'
        contents.notes.append(f"'{name}': {how}.")
        contents.videos.append(Video(name, names, height, width, tracks))


def _found(name: str, frames: Frames) -> str:
    for place in (name, f'images/{name}', os.path.basename(name)):
        if '..' not in place and (frames.root / place).is_file():
            return place
    raise FileNotFoundError(
        f"There is no image '{name}' in '{frames.root}': give the folder with --frames."
    )
