"""What is refused and what is repaired in the annotations of objects.

Of a track the masks count: boxes, areas and where an object is follow from them.
"""

from __future__ import annotations

from typing import Any

from .annotation_checks import Repairs, annotation_name, convert_mask, refuse
from .odd_ids import KnownIds
from .odd_masks import size_hint
from .rle import rle_area, rle_to_bbox


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
