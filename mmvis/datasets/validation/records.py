"""Checks of the annotation file itself."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmvis.structures.annotation_checks import is_count, unsafe_file_name
from mmvis.structures.json_stream import stream_json_object
from mmvis.structures.odd_ids import KnownIds, whole_id

from .findings import Finding
from .masks import mask_facts
from .tracks import check_track

_LISTS = ('videos', 'annotations', 'categories')


def check_annotation_file(path: str) -> tuple[list[dict], Iterator[Finding]]:
    """Look for all that is wrong or odd in an annotation file.

    The file is parsed at once, with masks reduced to what the checks need.

    Args:
        path: the json file.

    Returns:
        The file's video records as they are, for ``check_frames``, and the findings.
    """
    lists: dict[str, Any] = {}
    broken: list[Finding] = []
    try:
        for key, index, value in stream_json_object(path, _LISTS):
            if index is None:
                if key in _LISTS and not isinstance(value, list | None):
                    broken.append(Finding('BAD_JSON', f'"{key}" is not a list'))
                elif key in _LISTS:
                    lists[key] = value
            elif not isinstance(value, dict):
                message = f'element {index} of "{key}" is not an object'
                broken.append(Finding('BAD_JSON', message))
            else:
                segmentations = value.get('segmentations')
                if key == 'annotations' and isinstance(segmentations, list):
                    value['segmentations'] = mask_facts(segmentations)
                lists[key].append(value)
    except ValueError as error:
        return [], iter([*broken, Finding('BAD_JSON', str(error))])
    videos = lists.get('videos')
    if videos is None:
        broken.append(Finding('BAD_JSON', 'there is no list "videos"'))
    findings = _check_lists(
        videos or [], lists.get('annotations'), lists.get('categories') or []
    )
    return videos or [], _chain(broken, findings)


def _chain(first: list[Finding], rest: Iterator[Finding]) -> Iterator[Finding]:
    yield from first
    yield from rest


def _check_lists(
    videos: list[dict], annotations: list[dict] | None, categories: list[dict]
) -> Iterator[Finding]:
    if not videos:
        yield Finding('NO_VIDEOS', 'the file has no videos')
    for name, records in (
        ('videos', videos),
        ('categories', categories),
        ('annotations', annotations or []),
    ):
        yield from _check_ids(records, name)
    yield from _check_categories(categories)
    if annotations is None:
        yield Finding('NO_OBJECTS', 'the file has no annotations: for testing only')
    video_ids = KnownIds(v['id'] for v in videos if _hashable(v.get('id')) is not None)
    objects = Counter(video_ids.find(a.get('video_id')) for a in annotations or [])
    by_id: dict[Any, dict] = {}
    for index, video in enumerate(videos):
        number = _hashable(video.get('id'))
        yield from _check_video(video, index)
        if number is None:
            continue
        if number in by_id:
            yield Finding('DUP_VIDEO_ID', 'the id of an earlier video', video=number)
        # Annotations can mean one of the videos with an id only.
        no_objects = number in by_id or objects[number] == 0
        if annotations is not None and no_objects:
            yield Finding('NO_OBJECTS', 'no annotations', video=number)
        by_id.setdefault(number, video)
    known_categories = KnownIds(
        c['id'] for c in categories if _hashable(c.get('id')) is not None
    )
    known = video_ids, known_categories
    seen: set[Any] = set()
    for index, annotation in enumerate(annotations or []):
        yield from _check_annotation(annotation, index, by_id, known, seen)


def _check_ids(records: list[dict], of: str) -> Iterator[Finding]:
    """Find ids like 3.0; they are read as 3 from here on."""
    for index, record in enumerate(records):
        for key in ('id', 'video_id', 'category_id'):
            value = record.get(key)
            if type(value) is float and value.is_integer():
                record[key] = whole_id(value)
                what = f'"{key}" {value} in element {index} of "{of}"'
                yield Finding('ID_FORM', what)


def _hashable(value: Any) -> Any:
    """An id, or None for what cannot be one."""
    return value if type(value) in (int, str) else None


def _check_categories(categories: list[dict]) -> Iterator[Finding]:
    ids, names = set(), set()
    for index, category in enumerate(categories):
        number, name = category.get('id'), category.get('name')
        if type(number) is not int or not isinstance(name, str) or not name:
            yield Finding('MISSING_KEY', f'category {index} has no "id" and "name"')
            continue
        if number in ids or name in names:
            yield Finding('DUP_CATEGORY', f"category {number} '{name}'")
        ids.add(number)
        names.add(name)


def _check_video(video: dict, index: int) -> Iterator[Finding]:
    number = _hashable(video.get('id'))
    if number is None:
        yield Finding('MISSING_KEY', f'element {index} of "videos" has no "id"')
    if not (is_count(video.get('height'), 1) and is_count(video.get('width'), 1)):
        yield Finding('MISSING_KEY', 'no "height" and "width" in pixels', video=number)
    names = video.get('file_names')
    if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
        yield Finding('MISSING_KEY', 'no list "file_names" of names', video=number)
        return
    if not names:
        yield Finding('EMPTY_VIDEO', 'no file_names', video=number)
    yield from _check_length_field(video, len(names), video=number)
    for frame, name in enumerate(names):
        if unsafe_file_name(name):
            yield Finding('UNSAFE_PATH', repr(name), video=number, frame=frame)
        elif '\\' in name:
            names[frame] = name.replace('\\', '/')
            yield Finding('WINDOWS_PATH', repr(name), video=number, frame=frame)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        yield Finding('DUP_FILE', f'{repeated[0]!r} comes twice', video=number)
    if names != sorted(names):
        yield Finding('UNSORTED', 'frames keep the order of file_names', video=number)
    if not all(name.isascii() for name in names):
        yield Finding('NON_ASCII', repr(names[0]), video=number)


def _check_length_field(record: dict, length: int, **place: Any) -> Iterator[Finding]:
    if record.get('length', length) != length:
        yield Finding(
            'LENGTH_FIELD', f'{record["length"]!r} for {length} file_names', **place
        )


def _check_annotation(
    annotation: dict,
    index: int,
    videos: dict,
    known: tuple[KnownIds, KnownIds],
    seen: set,
) -> Iterator[Finding]:
    number, video_id = annotation.get('id'), known[0].find(annotation.get('video_id'))
    if video_id is None:
        video_id = _hashable(annotation.get('video_id'))
    place = dict(video=video_id, annotation=_hashable(number))
    if type(number) is not int:
        yield Finding(
            'MISSING_KEY', f'element {index} of "annotations" has no "id"', **place
        )
    elif number in seen:
        yield Finding('DUP_ANN_ID', 'the id of an earlier annotation', **place)
    seen.add(_hashable(number))
    category = annotation.get('category_id')
    if known[1].find(category) is None:
        yield Finding('UNKNOWN_CATEGORY', f'category_id {category!r}', **place)
    meant = dict(video_id=video_id, category_id=known[1].find(category))
    for key, value in meant.items():
        if value is not None and annotation[key] != value:
            what = f'"{key}" is {annotation[key]!r}, its list has {value!r}'
            yield Finding('ID_FORM', what, **place)
    if annotation.get('iscrowd'):
        yield Finding('CROWD', 'iscrowd', **place)
    video = videos.get(video_id)
    size = length = None
    if video is None:
        yield Finding('ORPHAN', 'its video is not listed', **place)
    else:
        size = (video.get('height'), video.get('width'))
        if not all(is_count(n, 1) for n in size):
            size = None
        if isinstance(video.get('file_names'), list):
            length = len(video['file_names'])
            yield from _check_length_field(annotation, length, **place)
            yield from _check_list_lengths(annotation, length, place)
        stated = (annotation.get('height'), annotation.get('width'))
        if size and None not in stated and stated != size:
            yield Finding(
                'SIZE_FIELD', f'{stated} (height, width), the video {size}', **place
            )
    yield from check_track(annotation, size, place)


def _check_list_lengths(
    annotation: dict, length: int, place: dict
) -> Iterator[Finding]:
    for key in ('segmentations', 'bboxes', 'areas'):
        values = annotation.get(key)
        if values is None and key != 'segmentations':
            continue  # boxes and areas follow from the masks
        if not isinstance(values, list):
            yield Finding('MISSING_KEY', f'no list "{key}"', **place)
        elif len(values) != length:
            message = f'{len(values)} entries in "{key}" for {length} frames'
            yield Finding('LIST_LENGTH', message, **place)
