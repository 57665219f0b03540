"""What is refused and what is repaired in an annotation file: videos, categories.

Refusals are ValueErrors that name the file and the place; repairs are collected and
warned of once a kind.
"""

import warnings
from collections.abc import Iterable
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NoReturn, TypeGuard

from .odd_ids import whole_id
from .rle import RLE
from .segmentation import to_rle

VALIDATE_HINT = 'tools/dataset_tools/validate.py lists all that is wrong with a file.'


class AnnotationWarning(UserWarning):
    """Something in an annotation file was repaired or left out."""


class Repairs:
    """Counts repairs by kind, to warn of each kind once with its first case."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.kinds: dict[str, list] = {}

    def add(self, kind: str, example: str) -> None:
        self.kinds.setdefault(kind, [0, example])[0] += 1

    def warn(self) -> None:
        for kind, (count, example) in self.kinds.items():
            first = example if count == 1 else f'{count} times, first {example}'
            warnings.warn(
                f"'{self.path}': {kind} ({first}). {VALIDATE_HINT}", AnnotationWarning
            )


def refuse(path: str, message: str) -> NoReturn:
    raise ValueError(f"'{path}': {message}. {VALIDATE_HINT}")


def unsafe_file_name(name: str) -> bool:
    """Whether a frame's file name could lead out of the folder it is joined to."""
    if '..' not in name and ':' not in name and '\\' not in name and name[:1] != '/':
        return (
            '\0' in name
        )  # nearly always; parsing paths takes a while for many frames
    # An address would be fetched if the folder's name is empty.
    return '://' in name or any(
        path.is_absolute() or path.drive or path.root or '..' in path.parts
        for path in (PurePosixPath(name), PureWindowsPath(name))
    )


def is_count(number: Any, least: int = 0) -> TypeGuard[int]:
    """Whether a value from a json file is a whole number of at least ``least``."""
    return type(number) is int and number >= least


def annotation_name(annotation: dict, index: int) -> str:
    name = (
        f'annotation {annotation["id"]!r}'
        if 'id' in annotation
        else (f'element {index} of "annotations"')
    )
    return f'{name} (video {annotation.get("video_id")!r})'


def convert_mask(
    path: str, place: str, frame: int, segmentation: Any, height: int, width: int
) -> RLE | None:
    try:
        return to_rle(segmentation, height, width)
    except (ValueError, OverflowError, TypeError) as error:
        refuse(path, f'{place}, frame {frame}: {error}')


_ID_KEYS = ('id', 'video_id', 'category_id')


def whole_ids(records: Iterable[dict], of: str, repairs: Repairs) -> None:
    """Write ids like 3.0 as 3; what is no whole number is refused later.

    Args:
        records: changed.
        of: name of their list.
        repairs: told of it.
    """
    for index, record in enumerate(records):
        for key in _ID_KEYS:
            value = record.get(key)
            if type(value) is float and value.is_integer():
                record[key] = whole_id(value)
                repairs.add(
                    'an id is written with a decimal point; it is taken as whole',
                    f'element {index} of "{of}": "{key}" {value}',
                )


def checked_videos(
    path: str, videos: list[dict] | None, repairs: Repairs
) -> list[dict]:
    if videos is None:
        refuse(path, 'there is no list "videos": this is not a YouTube-VIS file')
    seen = set()
    for index, video in enumerate(videos):
        place = (
            f'video {video["id"]!r}'
            if 'id' in video
            else (f'element {index} of "videos"')
        )
        if type(video.get('id')) not in (int, str):
            refuse(path, f'{place} has no "id"')
        if video['id'] in seen:
            refuse(path, f'two videos have the id {video["id"]!r}')
        seen.add(video['id'])
        if not (is_count(video.get('height'), 1) and is_count(video.get('width'), 1)):
            refuse(path, f'{place} has no "height" and "width" in pixels')
        names = video.get('file_names')
        if not isinstance(names, list) or not all(
            isinstance(name, str) and name for name in names
        ):
            refuse(path, f'{place} has no list "file_names" with a name for each frame')
        for frame, name in enumerate(names):
            if '\\' in name and not unsafe_file_name(name):
                repairs.add(
                    'a file name has the backslashes of Windows; they are taken as "/"',
                    f'{place}: {name!r}',
                )
                name = names[frame] = name.replace('\\', '/')
            if unsafe_file_name(name):
                refuse(
                    path,
                    f"{place}, frame {frame}: '{name}' may lead out of the folder of "
                    'frames; names are relative, without ".." and no addresses',
                )
        if not names:
            repairs.add('a video without frames is left out', place)
        elif video.get('length', len(names)) != len(names):
            repairs.add(
                'a "length" is not the number of file_names, which counts',
                f'{place}: {video["length"]!r} for {len(names)} files',
            )
        video['length'] = len(names)
    return videos


def checked_categories(path: str, categories: list[dict] | None) -> list[dict]:
    ids, names = set(), set()
    for index, category in enumerate(categories or []):
        number, name = category.get('id'), category.get('name')
        if type(number) is not int or not isinstance(name, str) or not name:
            refuse(path, f'element {index} of "categories" has no "id" and "name"')
        if number in ids or name in names:
            refuse(path, f"id or name of category {number} '{name}' occurs twice")
        ids.add(number)
        names.add(name)
    return categories or []
