"""Writing an annotation file anew with everything repaired that can be."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from mmvis.structures.annotation_checks import is_count, unsafe_file_name
from mmvis.structures.json_stream import stream_json_object
from mmvis.structures.odd_ids import KnownIds, whole_id
from mmvis.structures.rle import rle_area, rle_to_bbox
from mmvis.structures.segmentation import to_rle
from mmvis.structures.whole_file import whole_file

from .mask_repairs import Frame, repaired_mask

_LISTS = ('videos', 'annotations', 'categories')


class Changes:
    """What was changed, by code of the validator: how often, and the first place."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, str], list] = {}

    def add(self, code: str, what: str, place: str) -> None:
        self.kinds.setdefault((code, what), [0, place])[0] += 1

    def __iter__(self) -> Iterator[str]:
        for (code, what), (count, place) in self.kinds.items():
            yield f'fixed {count:6d} x {code}: {what} (first {place})'


def fix_annotation_file(path: str | Path, out: str | Path) -> Changes:
    """Write ``out``: the file with all repaired that is no guess at the ground truth.

    Ids become whole numbers and refer to each other; annotations of nothing that is
    listed go; lengths and sizes are those of the videos; masks are compressed, and
    repaired as in ``repaired_mask``; boxes and areas are those of the masks; file names
    are relative, with "/". What cannot be repaired stays as it is: validate the result.

    Args:
        path: the annotation file, which is not changed.
        out: the json to write.

    Raises:
        OSError: ``out`` cannot be written.
        ValueError: ``path`` is not json of the YouTube-VIS form, or is ``out``.
    """
    if Path(out).exists() and Path(out).samefile(path):
        raise ValueError(
            f"'{out}' is the file that is read, which is never changed: name another."
        )
    changes = Changes()
    content = _read(str(path), changes)
    if content['videos'] is None:
        raise ValueError(
            f'\'{path}\': there is no list "videos": nothing can be fixed.'
        )
    for name in _LISTS:
        for record in content[name] or []:
            _whole_ids(record, name, changes)
    content['videos'] = _fix_videos(content['videos'], changes)
    content['categories'] = _without_copies(content.get('categories') or [], changes)
    if content.get('annotations') is not None:
        content['annotations'] = _fix_annotations(content, changes)
    else:
        content.pop('annotations', None)
    with whole_file(out) as file:
        json.dump(content, file)
    return changes


def _read(path: str, changes: Changes) -> dict[str, Any]:
    """The file, with lists of run lengths compressed as they come."""
    content: dict[str, Any] = dict.fromkeys(_LISTS)
    for key, index, value in stream_json_object(path, _LISTS):
        if index is None:
            content[key] = value
        elif not isinstance(value, dict):
            raise ValueError(
                f'\'{path}\': element {index} of "{key}" is not an object.'
            )
        else:
            if key == 'annotations':
                _compress(value, index, changes)
            content[key].append(value)
    for key in _LISTS:
        if not isinstance(content[key], list | None):
            raise ValueError(f'\'{path}\': "{key}" is not a list.')
    return content


def _compress(annotation: dict, index: int, changes: Changes) -> None:
    masks = annotation.get('segmentations')
    if not isinstance(masks, list):
        return
    for frame, mask in enumerate(masks):
        counts = mask.get('counts') if isinstance(mask, dict) else None
        size = mask.get('size') if isinstance(mask, dict) else None
        if not isinstance(counts, list) or not isinstance(size, list):
            continue
        # What is wrong with others is told when their video is known.
        with suppress(ValueError, TypeError, OverflowError):
            rle = to_rle(mask, *size)
            if rle is not None:
                masks[frame] = {'size': size, 'counts': rle['counts'].decode()}
                place = f'annotation {annotation.get("id")!r}, element {index}'
                changes.add('LIST_RLE', 'compressed', f'{place}, frame {frame}')


def _whole_ids(record: dict, of: str, changes: Changes) -> None:
    for key in ('id', 'video_id', 'category_id'):
        value = record.get(key)
        if type(value) is float and value.is_integer():
            record[key] = whole_id(value)
            changes.add('ID_FORM', 'ids made whole numbers', f'"{key}" {value} in {of}')


def _fix_videos(videos: list[dict], changes: Changes) -> list[dict]:
    _relative_names(videos, changes)
    kept = []
    for video in videos:
        place, names = f'video {video.get("id")!r}', video.get('file_names')
        if names == []:
            changes.add('EMPTY_VIDEO', 'left out', place)
            continue
        if isinstance(names, list) and video.get('length', len(names)) != len(names):
            changes.add('LENGTH_FIELD', 'set to the number of file_names', place)
            video['length'] = len(names)
        kept.append(video)
    return kept


def _relative_names(videos: list[dict], changes: Changes) -> None:
    """Slashes of Windows, and the folder that all absolute names are in."""
    named = [v for v in videos if isinstance(v.get('file_names'), list)]
    names = [n for v in named for n in v['file_names'] if isinstance(n, str)]
    absolute = [n for n in names if _is_absolute(n)]
    root = None
    if absolute and len(absolute) == len(names):
        folders = {posixpath.dirname(posixpath.dirname(_slashes(n))) for n in names}
        root = posixpath.commonpath(folders) if all(folders) else None
    for video in named:
        for frame, name in enumerate(video['file_names']):
            if not isinstance(name, str):
                continue
            place, fixed = f'video {video.get("id")!r}: {name!r}', name
            if root and unsafe_file_name(name):
                fixed = posixpath.relpath(_slashes(name), root)
                what = f"made relative to '{root}', which --img-prefix has to be"
                changes.add('UNSAFE_PATH', what, place)
            elif '\\' in name and not unsafe_file_name(name):
                fixed = _slashes(name)
                changes.add('WINDOWS_PATH', 'backslashes written as "/"', place)
            video['file_names'][frame] = fixed


def _is_absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()


def _slashes(name: str) -> str:
    return name.replace('\\', '/')


def _without_copies(categories: list[dict], changes: Changes) -> list[dict]:
    kept: list[dict] = []
    for category in categories:
        if category in kept:
            changes.add(
                'DUP_CATEGORY', 'a copy is left out', repr(category.get('name'))
            )
        else:
            kept.append(category)
    return kept


def _fix_annotations(content: dict, changes: Changes) -> list[dict]:
    video_of = {
        v['id']: v for v in content['videos'] if type(v.get('id')) in (int, str)
    }
    videos = KnownIds(video_of)
    categories = KnownIds(
        c['id'] for c in content['categories'] if type(c.get('id')) in (int, str)
    )
    kept, seen = [], set()
    numbers = [a['id'] for a in content['annotations'] if type(a.get('id')) is int]
    fresh = max(numbers, default=0) + 1
    for index, annotation in enumerate(content['annotations']):
        place = f'annotation {annotation.get("id")!r}'
        if 'id' not in annotation:
            place = f'element {index} of "annotations"'
        found = {}
        for key, known, code in (
            ('video_id', videos, 'ORPHAN'),
            ('category_id', categories, 'UNKNOWN_CATEGORY'),
        ):
            found[key] = known.find(annotation.get(key))
            if found[key] is None:
                changes.add(code, 'left out', f'{place}: {annotation.get(key)!r}')
                break
            if found[key] != annotation[key]:
                changes.add('ID_FORM', f'"{key}" written as in its list', place)
        if None in found.values():
            continue
        annotation.update(found)
        number = annotation.get('id')
        if type(number) is not int or number in seen:
            code = 'DUP_ANN_ID' if type(number) is int else 'ID_FORM'
            changes.add(code, 'new ids for annotations', place)
            annotation['id'], fresh = fresh, fresh + 1
        seen.add(annotation['id'])
        _fix_track(annotation, video_of[annotation['video_id']], changes)
        kept.append(annotation)
    return kept


def _fix_track(annotation: dict, video: dict, changes: Changes) -> None:
    place = f'annotation {annotation["id"]!r} of video {video["id"]!r}'
    height, width = video.get('height'), video.get('width')
    names, masks = video.get('file_names'), annotation.get('segmentations')
    if not (is_count(height, 1) and is_count(width, 1) and isinstance(names, list)):
        return
    for key, value in (('height', height), ('width', width), ('length', len(names))):
        if annotation.get(key, value) != value:
            code = 'LENGTH_FIELD' if key == 'length' else 'SIZE_FIELD'
            changes.add(code, "set to its video's", place)
            annotation[key] = value
    if not isinstance(masks, list) or len(masks) != len(names):
        return
    boxes, areas = (
        list(v) if isinstance(v := annotation.get(k), list) else []
        for k in ('bboxes', 'areas')
    )
    whole = True
    for frame, mask in enumerate(masks):
        box = boxes[frame] if frame < len(boxes) else None
        at = Frame(height, width, box, f'{place}, frame {frame}')
        masks[frame], understood = repaired_mask(mask, at, changes.add)
        whole &= understood
    if whole:
        _boxes_and_areas(annotation, boxes, areas, place, changes)


def _boxes_and_areas(
    annotation: dict, boxes: list, areas: list, place: str, changes: Changes
) -> None:
    masks = annotation['segmentations']
    frames = [frame for frame, mask in enumerate(masks) if mask is not None]
    rles = [{**masks[f], 'counts': masks[f]['counts'].encode()} for f in frames]
    tight = rle_to_bbox(rles)
    tight[:, 2:] -= tight[:, :2]
    new_boxes: list = [None] * len(masks)
    new_areas: list = [None] * len(masks)
    for frame, box, area in zip(
        frames, tight.tolist(), rle_area(rles).tolist(), strict=True
    ):
        new_boxes[frame], new_areas[frame] = box, area
    for key, old, new, code in (
        ('bboxes', boxes, new_boxes, 'BOX_MISMATCH'),
        ('areas', areas, new_areas, 'AREA_MISMATCH'),
    ):
        if old != new:
            changes.add(code, f"{key} are now the masks'", place)
        annotation[key] = new
