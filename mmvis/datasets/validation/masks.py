"""Facts about the masks of one annotation, so that these need not be kept."""

from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from mmvis.structures.annotation_checks import is_count
from mmvis.structures.rle import rle_area, rle_to_bbox
from mmvis.structures.run_lengths import string_run_sums
from mmvis.structures.segmentation import to_rle


@dataclass(slots=True)
class MaskFacts:
    """What is known of one mask; decoded at the size it states itself.

    Attributes:
        form: 'string', 'list' or 'polygon'.
        error: why it cannot be understood, or None.
        size: [h, w], or None for polygons.
        area: pixels.
        box: [x, y, w, h], the tight box in pixels.
    """

    form: str
    error: str | None = None
    size: list[int] | None = None
    area: int = 0
    box: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)


def mask_facts(
    segmentations: list, video_size: tuple[int, int] | None = None
) -> list[Any]:
    """Facts about all masks of an annotation.

    Args:
        segmentations: as in the file.
        video_size: (h, w) to rasterise polygons in; without it they stay as they are.

    Returns:
        For each frame MaskFacts, None where the mask is null, or a polygon that still
        waits for the size.
    """
    facts: list[Any] = [None] * len(segmentations)
    rles: dict[int, dict] = {}
    strings = _whole_strings(segmentations)
    for frame, segmentation in enumerate(segmentations):
        if isinstance(segmentation, MaskFacts):
            facts[frame] = segmentation
        elif segmentation is None or segmentation == []:
            continue
        elif frame in strings:
            rles[frame] = segmentation
            facts[frame] = MaskFacts('string', size=segmentation['size'])
        elif isinstance(segmentation, dict):
            facts[frame] = _check_rle(segmentation, rles, frame)
        elif video_size is None:
            facts[frame] = segmentation
        else:
            facts[frame] = MaskFacts('polygon')
            _try_to_decode(facts[frame], segmentation, *video_size, rles, frame)
    frames = list(rles)
    boxes = rle_to_bbox([rles[frame] for frame in frames])
    boxes[:, 2:] -= boxes[:, :2]
    areas = rle_area([rles[frame] for frame in frames])
    for frame, box, area in zip(frames, boxes.tolist(), areas.tolist(), strict=True):
        facts[frame].box, facts[frame].area = tuple(box), area
    return facts


def _whole_strings(segmentations: list) -> set[int]:
    """Frames whose mask is a compressed string that fills the size it states."""
    frames = [
        frame
        for frame, segmentation in enumerate(segmentations)
        if isinstance(segmentation, dict)
        and _is_size(segmentation.get('size'))
        and isinstance(segmentation.get('counts'), str)
    ]
    counts = [
        segmentations[frame]['counts'].encode('ascii', 'replace') for frame in frames
    ]
    areas = [int(np.prod(segmentations[frame]['size'])) for frame in frames]
    right = string_run_sums(counts) == np.array(areas, dtype=np.int64)
    return {frame for frame, is_right in zip(frames, right, strict=True) if is_right}


def _check_rle(segmentation: dict, rles: dict, frame: int) -> MaskFacts:
    size = segmentation.get('size')
    form = 'list' if isinstance(segmentation.get('counts'), list) else 'string'
    if not _is_size(size):
        return MaskFacts(form, error='the RLE has no "size" [height, width]')
    facts = MaskFacts(form, size=size)
    height, width = size
    _try_to_decode(facts, segmentation, height, width, rles, frame)
    return facts


def _try_to_decode(
    facts: MaskFacts,
    segmentation: Any,
    height: int,
    width: int,
    rles: dict,
    frame: int,
) -> None:
    try:
        rles[frame] = to_rle(segmentation, height, width)
    except (ValueError, OverflowError, TypeError) as error:
        facts.error = str(error)


def _is_size(size: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(size, list) and len(size) == 2 and all(is_count(n, 1) for n in size)
    )
