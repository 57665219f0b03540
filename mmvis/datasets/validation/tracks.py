"""Checks of an object's masks, boxes and areas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmvis.structures.odd_masks import size_hint

from .findings import Finding
from .masks import MaskFacts, mask_facts


def check_track(
    annotation: dict, size: tuple[int, int] | None, place: dict
) -> Iterator[Finding]:
    """Look at the masks, boxes and areas of an annotation, frame by frame.

    Args:
        annotation: its masks are facts, as of ``mask_facts``.
        size: height and width of its video, if they are known.
        place: where it is, for findings.
    """
    masks = annotation.get('segmentations')
    if not isinstance(masks, list):
        return
    facts = mask_facts(masks, size) if size else masks
    forms = Counter(f.form for f in facts if isinstance(f, MaskFacts))
    if forms['polygon']:
        yield Finding('POLYGON', f'in {forms["polygon"]} frames', **place)
    if forms['list']:
        yield Finding('LIST_RLE', f'in {forms["list"]} frames', **place)
    if not any(facts):
        yield Finding('ALL_NULL', f'null in all {len(facts)} frames', **place)
    boxes = _padded(annotation.get('bboxes'), len(facts))
    areas = _padded(annotation.get('areas'), len(facts))
    for frame, mask in enumerate(facts):
        at = place | dict(frame=frame)
        box = boxes[frame] if boxes else None
        area = areas[frame] if areas else None
        yield from _check_presence(mask, boxes, box, areas, area, at)
        if box is not None and size:
            yield from _check_inside(box, size, at)
        if isinstance(mask, MaskFacts):
            yield from _check_mask(mask, size, box, area, at)


def _padded(values: Any, length: int) -> list | None:
    """A list of the length of the masks, None where there is no list at all."""
    if not isinstance(values, list):
        return None
    return (values + [None] * length)[:length]


def _check_presence(
    mask: Any, boxes: list | None, box: Any, areas: list | None, area: Any, at: dict
) -> Iterator[Finding]:
    presence = {'mask': mask is not None}
    if boxes:
        presence['box'] = box is not None
    if areas:
        presence['area'] = area is not None
    if len(set(presence.values())) > 1:
        there = ' and '.join(name for name, is_there in presence.items() if is_there)
        yield Finding('NULL_DISAGREES', f'only {there} not null', **at)


def _check_inside(box: Any, size: tuple[int, int], at: dict) -> Iterator[Finding]:
    numbers = _numbers(box)
    if numbers is None:
        yield Finding('BOX_OUTSIDE', f'{box!r} is no [x, y, w, h]', **at)
        return
    x, y, w, h = numbers
    inside = x >= -1 and y >= -1 and x + w <= size[1] + 1 and y + h <= size[0] + 1
    if not inside or w < 0 or h < 0:
        yield Finding('BOX_OUTSIDE', f'{box} in a frame of {size[1]}x{size[0]}', **at)


def _check_mask(
    mask: MaskFacts, size: tuple[int, int] | None, box: Any, area: Any, at: dict
) -> Iterator[Finding]:
    if mask.error:
        yield Finding('BAD_SEGM', mask.error, **at)
        return
    if size and mask.size and tuple(mask.size) != size:
        hint = size_hint(mask.size, *size)
        what = f'{mask.size}, the video is {list(size)}{hint}'
        yield Finding('RLE_SIZE', what, **at)
    if mask.area == 0:
        yield Finding('ZERO_AREA', 'a mask without pixels', **at)
        return
    numbers = _numbers(box)
    if numbers and not _close_boxes(numbers, mask.box):
        tight = [int(value) for value in mask.box]
        x, y, right, bottom = numbers
        corners = _close_boxes([x, y, right - x, bottom - y], mask.box)
        form = ' are corners, [x, y, w, h] is expected' if corners else ''
        yield Finding('BOX_MISMATCH', f'{box}{form}, the mask has {tight}', **at)
    if _numbers([area]) and abs(area - mask.area) > max(2, 0.05 * mask.area):
        yield Finding('AREA_MISMATCH', f'{area}, the mask has {mask.area}', **at)


def _close_boxes(box: list[float], tight: tuple[float, ...]) -> bool:
    edges = [(b[0], b[1], b[0] + b[2], b[1] + b[3]) for b in (box, tight)]
    return all(abs(a - b) <= 2 for a, b in zip(*edges, strict=True))


def _numbers(values: Any) -> list[float] | None:
    """The numbers of a box or area, None if it is none; NaN counts as none."""
    if not isinstance(values, list) or len(values) not in (1, 4):
        return None
    real = all(type(v) in (int, float) and v == v for v in values)
    return values if real else None
