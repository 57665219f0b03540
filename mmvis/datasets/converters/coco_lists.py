"""The lists of a COCO file, checked before anything is made of them."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from mmvis.structures import AnnotationWarning
from mmvis.structures.annotation_checks import is_count, unsafe_file_name
from mmvis.structures.json_stream import stream_json_object
from mmvis.structures.odd_ids import KnownIds, whole_id
from mmvis.structures.segmentation import to_rle

_LISTS = ('images', 'annotations', 'categories', 'videos')
_IDS = ('id', 'image_id', 'category_id', 'video_id', 'instance_id', 'track_id')


class CocoLists:
    """The lists of a COCO file whose images are frames of videos.

    Args:
        path: The file.

    Attributes:
        images: At least one, each with an ``id`` of its own and a ``file_name``.
        annotations: As they are, but for their masks: run lengths are compressed as
            they come, and so are polygons of images that came before with their size.
        categories: With a number and a name of their own each.
        videos: {id: record}; empty if the file has no such list.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is of another form; the message names file and place.
    """

    def __init__(self, path: str) -> None:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"There is no file '{path}'.")
        self.path = path
        self._warned: set[str] = set()
        lists = self._read()
        self.images, self.annotations, self.categories = (
            lists[key] for key in _LISTS[:3]
        )
        self._check_images()
        self._check_categories()
        self.videos = self._videos_by_id(lists.get('videos', []))
        self._match_ids()

    def fail(self, message: str) -> NoReturn:
        raise ValueError(f"'{self.path}': {message}.")

    def _read(self) -> dict[str, list[dict]]:
        lists: dict[str, list[dict]] = {}
        sizes: dict[Any, tuple[int, int]] = {}
        for key, index, value in stream_json_object(self.path, _LISTS):
            if index is None:
                if key in _LISTS and isinstance(value, list):
                    lists[key] = value
                continue
            if not isinstance(value, dict):
                self.fail(f'element {index} of "{key}" is not an object')
            self._write_plainly(value)
            if key == 'annotations':
                _compress(value, sizes)
            elif key == 'images' and (size := _size_of(value)):
                sizes[as_id(value.get('id'))] = size
            lists[key].append(value)
        for key in _LISTS[:3]:
            if key not in lists:
                self.fail(f'there is no list "{key}": this is no COCO file')
        return lists

    def _write_plainly(self, record: dict) -> None:
        """Ids like 3.0 become 3, and paths of Windows others."""
        for key in _IDS:
            if type(record.get(key)) is float:
                record[key] = whole_id(record[key])
        name = record.get('file_name')
        if isinstance(name, str) and '\\' in name and not unsafe_file_name(name):
            record['file_name'] = name.replace('\\', '/')
            self._warn('a file name has the backslashes of Windows, taken as "/"', name)

    def _match_ids(self) -> None:
        """Take ids as their list has them: as text, or as numbers."""
        known = {
            'image_id': KnownIds(image['id'] for image in self.images),
            'category_id': KnownIds(category['id'] for category in self.categories),
            'video_id': KnownIds(self.videos),
        }
        for record in (*self.images, *self.annotations):
            for key, ids in known.items():
                value = record.get(key)
                found = None if value is None else ids.find(value)
                if found is not None and found != value:
                    record[key] = found
                    what = 'ids are text in one list and numbers in the other, matched'
                    self._warn(f'{what} ("{key}")', value)

    def _warn(self, what: str, value: Any) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(
                f"'{self.path}': {what} (first {value!r}).",
                AnnotationWarning,
                stacklevel=2,
            )

    def _check_images(self) -> None:
        if not self.images:
            self.fail('the list "images" is empty: there is nothing to convert')
        seen = set()
        for index, image in enumerate(self.images):
            place = image_place(image, index)
            if not isinstance(image.get('file_name'), str) or not image['file_name']:
                self.fail(f'{place} has no "file_name"')
            if unsafe_file_name(image['file_name']):
                self.fail(
                    f"{place}: '{image['file_name']}' may lead out of the folder of "
                    'frames; names are relative, without ".." and no addresses'
                )
            if as_id(image.get('id')) is None or image['id'] in seen:
                self.fail(f'{place} has no "id" of its own')
            seen.add(image['id'])

    def _check_categories(self) -> None:
        ids, names = set(), set()
        for index, category in enumerate(self.categories):
            number, name = category.get('id'), category.get('name')
            place = f'element {index} of "categories"'
            if type(number) is not int:
                self.fail(
                    f'{place} has the "id" {number!r}: ids of categories are whole '
                    'numbers, here and in "annotations"'
                )
            if not isinstance(name, str) or not name.strip():
                self.fail(f'{place}, id {number}, has no "name"')
            if number in ids or name in names:
                shared = f'id {number}' if number in ids else f'name {name!r}'
                self.fail(f'two categories have the {shared}: each has its own')
            ids.add(number)
            names.add(name)

    def _videos_by_id(self, records: list[dict]) -> dict[Any, dict]:
        videos: dict[Any, dict] = {}
        for index, record in enumerate(records):
            number = as_id(record.get('id'))
            if number is None:
                self.fail(
                    f'element {index} of "videos" has the "id" {record.get("id")!r}, '
                    'which is no number or name'
                )
            if number in videos:
                self.fail(f'two videos have the id {number!r}: each has its own')
            videos[number] = record
        return videos


def as_id(value: Any) -> Any:
    """An id, or None for what cannot be one."""
    return value if type(value) in (int, str) else None


def image_place(image: dict, index: int | None = None) -> str:
    """How messages call an image."""
    number = image.get('id', f'at {index}')
    return f'image {number!r} of video {image.get("video_id")!r}'


def _size_of(image: dict) -> tuple[int, int] | None:
    """(height, width) if the image has them; its video may, too."""
    height, width = image.get('height'), image.get('width')
    if is_count(height, 1) and is_count(width, 1):
        return height, width
    return None


def _compress(annotation: dict, sizes: dict[Any, tuple[int, int]]) -> None:
    """Make an RLE of few bytes of a mask, if its size is known.

    What is wrong with the mask is told later, when its frame is known.

    Args:
        annotation: Its ``segmentation`` is replaced.
        sizes: (height, width) of the images that were read so far, by their ids.
    """
    mask = annotation.get('segmentation')
    size = sizes.get(as_id(annotation.get('image_id')))
    if isinstance(mask, dict):
        size = mask.get('size')
    elif not isinstance(mask, list):
        return
    if isinstance(size, (list, tuple)) and len(size) == 2:
        with suppress(ValueError, OverflowError, TypeError):
            annotation['segmentation'] = to_rle(mask, *size)
