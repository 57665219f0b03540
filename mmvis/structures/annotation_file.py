"""Reading an annotation file of the YouTube-VIS form as it is.

One place decides what is repaired and what is refused; the dataset, the metric and the
tools all read through it. A file is refused where a repair would be a guess at the
ground truth, with the place named; it is repaired, with one warning a kind, where there
is no doubt about what remains. docs/en/data.md has the table.
"""

from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from .annotation_checks import (
    Repairs,
    annotation_name,
    checked_categories,
    checked_videos,
    convert_mask,
    is_count,
    refuse,
    whole_ids,
)
from .json_stream import stream_json_object
from .rle import RLE
from .run_lengths import string_run_sums
from .track_checks import checked_annotations


@dataclass
class VISAnnotations:
    """What is in an annotation file, checked.

    Attributes:
        path: the file.
        info: its ``info`` member, or {}.
        videos: dicts of the file with ``id``, ``file_names``, ``height``, ``width`` and
            ``length``, which is ``len(file_names)``; further keys are kept.
        annotations: None if the file has no labels; else dicts with ``id``,
            ``video_id``, ``category_id``, ``iscrowd`` (0 or 1), ``height``, ``width``,
            ``length`` and, one entry a frame, None where the object cannot be seen:
            ``segmentations`` (RLE with counts of type bytes, never of zero area),
            ``bboxes`` ([x, y, w, h] in pixels, the tight box of the mask) and
            ``areas`` (pixels; the file's number, or the mask's where it has none).
            Further keys are kept. An object may be None in all frames.
        categories: dicts with ``id`` and ``name``, in file order.
    """

    path: str
    info: dict
    videos: list[dict]
    annotations: list[dict] | None
    categories: list[dict]


def read_annotation_file(path: str) -> VISAnnotations:
    """Read a YouTube-VIS, OVIS or own annotation file in bounded memory.

    Masks may be compressed RLE, list RLE or polygons; they are compressed track by
    track while the file is parsed.

    Args:
        path: the json file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not valid json, or something in it cannot be repaired:
            damaged masks or masks of another size than the video's, lists that are not
            one entry a frame, ids of videos or categories that occur twice, missing
            keys, file names that lead out of the data root. The message says where.

    Warns:
        AnnotationWarning: once for each kind of repair.
    """
    members, lists = _parse(path)
    repairs = Repairs(path)
    for name in lists:
        whole_ids(lists[name], name, repairs)
    videos = checked_videos(path, lists.get('videos'), repairs)
    categories = checked_categories(path, lists.get('categories'))
    annotations = lists.get('annotations')
    if annotations is not None:
        annotations = checked_annotations(
            path, annotations, videos, categories, repairs
        )
    videos = [video for video in videos if video['length'] > 0]
    repairs.warn()
    info = members.get('info')
    return VISAnnotations(
        path=path,
        info=info if isinstance(info, dict) else {},
        videos=videos,
        annotations=annotations,
        categories=categories,
    )


def _parse(path: str) -> tuple[dict, dict[str, list]]:
    """The members of the file, and its three lists with masks already compressed."""
    lists: dict[str, list] = {}
    members: dict[str, Any] = {}
    names = ('videos', 'annotations', 'categories')
    for key, index, value in stream_json_object(path, names):
        if index is None:
            if key in names and value is not None:
                if not isinstance(value, list):
                    refuse(path, f'"{key}" is not a list')
                lists[key] = value
            elif key not in names:
                members[key] = value
            continue
        if not isinstance(value, dict):
            refuse(path, f'element {index} of "{key}" is not an object')
        if key == 'annotations':
            _compress(path, value, index)
        lists[key].append(value)
    return members, lists


def _compress(path: str, annotation: dict, index: int) -> None:
    """Make the RLEs of an annotation compact; polygons wait for the video's size."""
    place = annotation_name(annotation, index)
    segmentations = annotation.get('segmentations')
    if not isinstance(segmentations, list):
        refuse(path, f'{place} has no list "segmentations" with one entry a frame')
    strings = []
    for frame, segmentation in enumerate(segmentations):
        if not isinstance(segmentation, dict):
            continue
        size, counts = segmentation.get('size'), segmentation.get('counts')
        if not _is_size(size):
            refuse(path, f'{place}, frame {frame}: the RLE has no "size" [h, w]')
        rle: RLE | None
        if isinstance(counts, str):
            rle = {'size': size, 'counts': counts.encode('ascii', 'replace')}
            strings.append(frame)
        else:
            rle = convert_mask(path, place, frame, segmentation, *size)
        segmentations[frame] = rle
    if strings:
        rles = [segmentations[frame] for frame in strings]
        sums = string_run_sums([rle['counts'] for rle in rles])
        areas = [rle['size'][0] * rle['size'][1] for rle in rles]
        for wrong in np.flatnonzero(sums != np.array(areas)):
            # The single-mask path knows the reason.
            rle = rles[wrong]
            convert_mask(path, place, strings[wrong], rle, *rle['size'])
            refuse(path, f'{place}, frame {strings[wrong]}: the RLE is damaged')


def _is_size(size: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(size, list) and len(size) == 2 and all(is_count(n, 1) for n in size)
    )
