"""Whatever a json has for a mask, as a checked run-length encoding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from .odd_masks import (
    are_relative,
    counts_of_python_text,
    python_text_message,
    relative_message,
    size_hint,
)
from .rle import RLE, check_runs, pack_counts, unpack_counts


def to_rle(segmentation: Any, height: int, width: int) -> RLE | None:
    """Any segmentation of a COCO or YouTube-VIS json as a checked RLE.

    Args:
        segmentation: an RLE with counts of type list, str or bytes; a list of polygons
            ([x0, y0, x1, y1, ...] in pixels) or one flat polygon, rasterised as
            pycocotools does; None or an empty list for "not in this frame".

    Returns:
        The RLE with counts of type bytes, or None. It may hold no foreground pixel.

    Raises:
        ValueError: with the reason, if it is of another size, its runs do not add up
            to height x width, a polygon has fewer than 3 points or relative
            coordinates, or nothing of it can be understood.
    """
    if segmentation is None or (
        isinstance(segmentation, (list, tuple, dict)) and len(segmentation) == 0
    ):
        return None
    if isinstance(segmentation, (list, tuple)):
        return _polygons_to_rle(segmentation, height, width)
    if not isinstance(segmentation, dict) or 'counts' not in segmentation:
        raise ValueError(
            f'{type(segmentation).__name__} is neither an RLE nor a list of polygons'
        )
    size = segmentation.get('size')
    if not isinstance(size, (list, tuple)) or list(size) != [height, width]:
        hint = size_hint(size, height, width)
        raise ValueError(f'the RLE is of size {size}, not [{height}, {width}]{hint}')
    counts = segmentation['counts']
    if isinstance(counts, (str, bytes)):
        if counts_of_python_text(counts) is not None:
            raise ValueError(python_text_message())
        check_runs(unpack_counts(segmentation), height, width)
        packed = counts.encode('ascii') if isinstance(counts, str) else counts
        return {'size': [height, width], 'counts': packed}
    try:
        runs = np.asarray(counts)
    except ValueError:
        raise ValueError('the counts are not a flat list of integers') from None
    if runs.ndim != 1 or (runs.size and runs.dtype.kind not in 'iu'):
        raise ValueError('the counts are not a flat list of integers')
    check_runs(runs, height, width)
    return pack_counts(runs, height, width)


def _polygons_to_rle(polygons: Sequence, height: int, width: int) -> RLE:
    if not isinstance(polygons[0], (list, tuple)):
        polygons = [polygons]
    for polygon in polygons:
        try:
            points = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError('a polygon is not a flat list of numbers') from None
        if points.ndim != 1 or points.size % 2 or not np.isfinite(points).all():
            raise ValueError('a polygon is not a flat list of finite x, y pairs')
        if points.size < 6:
            raise ValueError(
                f'a polygon has {points.size // 2} points, at least 3 are needed'
            )
    if are_relative(polygons, height, width):
        raise ValueError(relative_message())
    return mask_utils.merge(
        mask_utils.frPyObjects([list(p) for p in polygons], height, width)
    )
