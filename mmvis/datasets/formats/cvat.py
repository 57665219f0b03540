"""CVAT for video 1.1 (tracks) and CVAT for images 1.1, both xml."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from . import shapes
from .contents import Contents, Track, Video, count_of, of_kinds
from .cvat_images import read_images
from .cvat_interpolation import Shape, shapes_of_frames
from .cvat_shapes import KINDS, is_crowd, label_of, mask_of, shape_of, text_of
from .frame_folders import Frames
from .options import Options
from .text_files import has_member, read_xml


def _files(source: Path) -> list[Path]:
    """The file of a source; of a folder of exports, one a task, all of them."""
    if not source.is_dir():
        return [source]
    path = source / 'annotations.xml'
    return [path] if path.is_file() else sorted(source.glob('*.xml'))


def recognise(source: Path) -> str | None:
    paths = _files(source)
    said = None
    for path in paths:
        try:
            said = _recognise_file(path)
        except ValueError:
            # Damaged xml that was named is of no other format; folders may have any.
            if path == source or path.name == 'annotations.xml':
                raise
            said = None
        if said is None:
            return None
    if len(paths) > 1:
        return f"{len(paths)} files in '{source}' are xml of <annotations>"
    return said


def _recognise_file(path: Path) -> str | None:
    if path.suffix.lower() not in ('.xml', '.zip') or not path.is_file():
        return None
    if path.suffix.lower() == '.zip' and not has_member(path, 'annotations.xml'):
        return None
    root = read_xml(path)
    inside = next(
        (f'<{e.tag}>' for e in root if e.tag in ('track', 'image')), 'no track'
    )
    if root.tag != 'annotations' or (
        root.find('version') is None and inside == 'no track'
    ):
        return None
    return f"'{path}' is xml of <annotations> with {inside}"


def read(source: Path, frames: Frames, options: Options) -> Contents:
    contents = Contents([])
    labels: list[str] = []
    left_out: list[str] = []
    file_of: dict[str, Path] = {}
    paths = _files(source)
    for path in paths:
        root, known = read_xml(path), len(contents.videos)
        labels += [e.text or '' for e in root.iterfind('meta//labels/label/name')]
        _read_file(path, root, frames, options, contents, left_out)
        names = {video.name for video in contents.videos[known:]}
        for name in sorted(names & file_of.keys()):
            raise ValueError(
                f"'{file_of[name]}' and '{path}' both have a video '{name}': "
                'leave one in the folder, or convert them one by one.'
            )
        file_of |= dict.fromkeys(names, path)
    contents.categories = list(dict.fromkeys(labels)) or None
    others = len(set(source.glob('*.xml')) - set(paths)) if source.is_dir() else 0
    if others:
        contents.notes.append(
            f"'{paths[0]}' alone is read, not the {others} other xml beside it."
        )
    if left_out:
        contents.notes.append(
            f'shapes without an area are left out ({of_kinds(left_out)}).'
        )
    return contents


def _read_file(
    path: Path,
    root: Element,
    frames: Frames,
    options: Options,
    contents: Contents,
    left_out: list[str],
) -> None:
    if root.find('image') is not None:

        def listed(task: Element) -> tuple[list[int], list[str]]:
            return _frames_of(path, task, frames)

        tasks = [task for task, _ in _tasks(root)]
        read_images(root, tasks, listed, frames, options, contents, left_out)
        return
    for task, tracks in _tasks(root):
        exported = root.find('meta/dumped') is not None
        contents.videos.append(
            _read_task(path, task, tracks, exported, frames, contents, left_out)
        )


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
    exported: bool,
    frames: Frames,
    contents: Contents,
    left_out: list[str],
) -> Video:
    name = task.findtext('name') or path.resolve().parent.name
    numbers, names = _frames_of(path, task, frames)
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
        label = label_of(element, place)
        keys = _keys(element, place, left_out, contents.notes)
        stray = [frame for frame in keys if frame not in position]
        if stray and not keys[stray[0]].outside:
            raise ValueError(
                f'{place} has a shape in frame {stray[0]}, which the task lacks: its '
                f'{len(numbers)} frames are {numbers[0]} to {numbers[-1]}.'
            )
        masks = {
            position[frame]: mask
            for frame, shape in shapes_of_frames(keys, numbers, not exported).items()
            if frame in position
            and (mask := mask_of(shape, height, width, f'{place}, frame {frame}'))
        }
        group = element.get('group_id') or '0'
        identity = f'track {number}' if group == '0' else f'group {group} of {label}'
        known = merged.setdefault(identity, Track(label, {}, identity))
        known.iscrowd |= int(any(is_crowd(shape) for shape in element))
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


def _frames_of(
    path: Path, task: Element, frames: Frames
) -> tuple[list[int], list[str]]:
    """Numbers of the task's frames in its video, and their file names."""
    name = task.findtext('name') or path.resolve().parent.name
    listed = frames.of_video(name, task.findtext('source') or '', 'images')
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


def _keys(
    element: Element, place: str, left_out: list[str], notes: list[str]
) -> dict[int, Shape]:
    keys: dict[int, Shape] = {}
    for child in element:
        if child.tag not in KINDS:
            left_out.append(child.tag)
            continue
        try:
            frame, shape = int(text_of(child, 'frame')), shape_of(child)
        except ValueError as error:
            raise ValueError(f'{place}, <{child.tag}>, is damaged: {error}.') from None
        if frame in keys and not keys[frame].outside and not shape.outside:
            notes.append(f'{place} has two shapes in frame {frame}: the last counts.')
        keys[frame] = shape
    return keys
