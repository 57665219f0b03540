"""CVAT for images 1.1: shapes of frames, which groups join to objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

from .contents import Contents, Video
from .cvat_shapes import KINDS, is_crowd, label_of, mask_of, shape_of
from .frame_folders import SUFFIXES, Frames
from .identities import LabelledMask, identified
from .options import Options

# Numbers of a task's frames in its video, and their file names.
Listed = Callable[[Element], tuple[list[int], list[str]]]


def read_images(
    root: Element,
    tasks: list[Element],
    listed: Listed,
    frames: Frames,
    options: Options,
    contents: Contents,
    left_out: list[str],
) -> None:
    """Images of files that are there: a folder of them is a video.

    Where none is, as of tasks that CVAT took out of a video, ``id`` is the number of
    the frame in the task's video.
    """
    images = sorted(root.findall('image'), key=lambda e: int(e.get('id', 0)))
    places = [_place(image.get('name', ''), frames) for image in images]
    if not any(places):
        for task in tasks:
            numbers, names = listed(task)
            number = task.findtext('id')
            own = [
                image
                for image in images
                if len(tasks) == 1 or image.get('task_id') == number
            ]
            position = {str(n): index for index, n in enumerate(numbers)}
            stray = [i for i in own if i.get('id') not in position]
            if stray:
                raise FileNotFoundError(_missing(stray[0], frames))
            found = [(position[image.get('id', '')], image) for image in own]
            name = task.findtext('name') or Path(os.path.dirname(names[0])).name
            _add(name, names, found, frames, options, contents, left_out)
        return
    of_video: dict[str, list[tuple[str, Element]]] = {}
    for image, place in zip(images, places, strict=True):
        if place is None:
            raise FileNotFoundError(_missing(image, frames))
        folder = os.path.dirname(image.get('name', ''))
        of_video.setdefault(folder, []).append((place, image))
    for folder, members in of_video.items():
        names = [place for place, _ in members]
        found = [(frame, image) for frame, (_, image) in enumerate(members)]
        _add(folder or 'images', names, found, frames, options, contents, left_out)


def _missing(image: Element, frames: Frames) -> str:
    return (
        f"There is no image '{image.get('name', '')}' in '{frames.root}': give the "
        'folder with --frames.'
    )


def _place(name: str, frames: Frames) -> str | None:
    """The file of an image; CVAT names frames of videos without a suffix."""
    for folder in (name, f'images/{name}', os.path.basename(name)):
        for suffix in ('', *SUFFIXES):
            place = f'{folder}{suffix}'
            if name and '..' not in place and (frames.root / place).is_file():
                return place
    return None


def _add(
    name: str,
    names: list[str],
    images: list[tuple[int, Element]],
    frames: Frames,
    options: Options,
    contents: Contents,
    left_out: list[str],
) -> None:
    height, width = frames.size(names)
    found, crowds = [], set()
    for frame, image in images:
        place = f'image {image.get("name")!r}'
        for child in image:
            if child.tag not in KINDS:
                left_out += [child.tag] if child.tag != 'tag' else []
                continue
            try:
                mask = mask_of(shape_of(child), height, width, place)
            except ValueError as error:
                raise ValueError(f'{place}, <{child.tag}>: {error}') from None
            if mask is None:
                continue
            group = child.get('group_id')
            group = None if group == '0' else group
            label = label_of(child, f'{place}, <{child.tag}>,')
            if is_crowd(child):
                crowds.add(f'{label}#{group}')
            found.append(LabelledMask(frame, label, group, mask))
    tracks, how = identified(found, options.identity)
    for track in tracks:
        track.iscrowd = int(track.identity in crowds)
    contents.notes.append(f"'{name}': {how}.")
    contents.videos.append(Video(name, names, height, width, tracks))
