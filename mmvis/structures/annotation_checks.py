"""What is refused and what is repaired in an annotation file.

Refusals are ValueErrors that name the file and the place; repairs are collected and
warned of once a kind.
"""

import warnings
from collections.abc import Iterable
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NoReturn, TypeGuard

from .odd_ids import KnownIds, whole_id
from .odd_masks import size_hint
from .rle import RLE, rle_area, rle_to_bbox
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


def checked_annotations(
    path: str,
    annotations: list[dict],
    videos: list[dict],
    categories: list[dict],
    repairs: Repairs,
) -> list[dict]:
    video_of = {video['id']: video for video in videos}
    known_videos = KnownIds(video_of)
    known_categories = KnownIds(category['id'] for category in categories)
    kept = []
    for index, annotation in enumerate(annotations):
        place = annotation_name(annotation, index)
        if type(annotation.get('id')) is not int:
            refuse(path, f'{place} has no whole number "id"')
        video = video_of.get(known_videos.find(annotation.get('video_id')))
        category = annotation.get('category_id')
        category_id = known_categories.find(category)
        if video is None:
            repairs.add('an annotation of a video that is not listed is dropped', place)
        elif video['length'] == 0:
            repairs.add('an annotation of a video without frames is dropped', place)
        elif category_id is None:
            repairs.add(
                'an annotation of a category that is not listed is dropped',
                f'{place}: category {category!r}',
            )
        else:
            meant = dict(video_id=video['id'], category_id=category_id)
            for key, number in meant.items():
                if annotation[key] != number:  # equal, then, as text
                    repairs.add(
                        'ids are text in one list and numbers in the other; they are '
                        'matched',
                        f'{place}: "{key}" {annotation[key]!r} for {number!r}',
                    )
                annotation[key] = number
            _check_annotation(path, place, annotation, video, repairs)
            kept.append(annotation)
    _separate_ids(kept, repairs)
    return kept


def _check_annotation(
    path: str, place: str, annotation: dict, video: dict, repairs: Repairs
) -> None:
    height, width, length = video['height'], video['width'], video['length']
    for key in ('segmentations', 'bboxes', 'areas'):
        values = annotation.get(key)
        if values is None:
            annotation[key] = [None] * length  # boxes and areas follow from the masks
        elif not isinstance(values, list) or len(values) != length:
            count = len(values) if isinstance(values, list) else 'no'
            refuse(
                path,
                f'{place}: {count} entries in "{key}" for a video of {length} frames',
            )
    if annotation.get('length', length) != length:
        repairs.add('a "length" is not the number of file_names, which counts', place)
    stated = (annotation.get('height') or height, annotation.get('width') or width)
    if stated != (height, width):
        repairs.add(
            "height and width of an annotation are not its video's, which count", place
        )
    _fit_masks(path, place, annotation['segmentations'], height, width)
    _boxes_from_masks(place, annotation, width, height, repairs)
    annotation.update(
        iscrowd=int(bool(annotation.get('iscrowd', 0))),
        height=height,
        width=width,
        length=length,
    )


def _fit_masks(
    path: str, place: str, segmentations: list, height: int, width: int
) -> None:
    """Polygons become RLE; every RLE has to be of the video's size."""
    for frame, segmentation in enumerate(segmentations):
        if segmentation is None:
            continue
        if not isinstance(segmentation, dict):
            rle = convert_mask(path, place, frame, segmentation, height, width)
            segmentations[frame] = rle
        elif segmentation['size'] != [height, width]:
            refuse(
                path,
                f'{place}, frame {frame}: the RLE is of size {segmentation["size"]}, '
                f'the video of [{height}, {width}] (height, width)'
                f'{size_hint(segmentation["size"], height, width)}',
            )


def _boxes_from_masks(
    place: str, annotation: dict, width: int, height: int, repairs: Repairs
) -> None:
    """The mask decides: none means no object, and the box is the mask's."""
    masks, boxes, areas = (annotation[k] for k in ('segmentations', 'bboxes', 'areas'))
    frames = [frame for frame, mask in enumerate(masks) if mask is not None]
    tight = rle_to_bbox([masks[frame] for frame in frames])
    tight[:, 2:] -= tight[:, :2]
    stated = any(box is not None for box in boxes)
    for frame, box in enumerate(boxes):
        if stated and (box is None) != (masks[frame] is None):
            repairs.add(
                'mask and box disagree on presence; the mask decides',
                f'{place}, frame {frame}',
            )
        elif box is not None and _sticks_out(box, width, height):
            repairs.add(
                'a box leaves the frame; boxes are taken from the masks',
                f'{place}, frame {frame}: {box}',
            )
        boxes[frame] = None
    for frame, box in zip(frames, tight.tolist(), strict=True):
        if box[2] == 0:  # no pixel: as if null
            masks[frame] = None
        else:
            boxes[frame] = box
    _complete_areas(masks, areas)


def _sticks_out(box: Any, width: int, height: int) -> bool:
    """Beyond the frame by more than a pixel, which rounding explains."""
    try:
        x, y, w, h = (float(value) for value in box)
    except (TypeError, ValueError):
        return True
    inside = x >= -1 and y >= -1 and x + w <= width + 1 and y + h <= height + 1
    return not (inside and w >= 0 and h >= 0)


def _complete_areas(masks: list, areas: list) -> None:
    unknown = []
    for frame, mask in enumerate(masks):
        area = areas[frame]
        if mask is None:
            areas[frame] = None
        elif (
            # A stated 0 stays: the protocol's mean area leaves such frames out.
            isinstance(area, bool)
            or not isinstance(area, (int, float))
            or not area >= 0
        ):
            unknown.append(frame)
    if unknown:
        numbers = rle_area([masks[frame] for frame in unknown]).tolist()
        for frame, area in zip(unknown, numbers, strict=True):
            areas[frame] = area


def _separate_ids(annotations: list[dict], repairs: Repairs) -> None:
    """Give later annotations of an id in use a new one: none is merged or lost."""
    seen: set[int] = set()
    fresh = max((annotation['id'] for annotation in annotations), default=0) + 1
    for annotation in annotations:
        if annotation['id'] in seen:
            repairs.add(
                'an annotation id is used again; the later object gets a new one',
                f'id {annotation["id"]} in video {annotation["video_id"]!r}',
            )
            annotation['id'] = fresh
            fresh += 1
        seen.add(annotation['id'])
