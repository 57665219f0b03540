"""Masks as they are often written by mistake: what is wrong with them, in a sentence.

Nothing is repaired here, since it would be a guess at the ground truth; the validator
does on request.
"""

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

_REPAIR = "'validate.py --fix' and 'eval_results.py --repair' write the file repaired"


def counts_of_python_text(counts: Any) -> str | None:
    """The counts that ``str(rle['counts'])`` made ``"b'...'"`` of, else None.

    pycocotools gives counts of type bytes, and ``str`` of bytes is Python's notation of
    them. No compressed counts hold a quotation mark.
    """
    if isinstance(counts, bytes) and counts.startswith(b'b'):
        counts = counts.decode('ascii', 'replace')
    if not isinstance(counts, str) or counts[:2] not in ("b'", 'b"'):
        return None
    try:
        value = ast.literal_eval(counts)
        return value.decode('ascii') if isinstance(value, bytes) else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def python_text_message() -> str:
    """What is wrong with counts that are Python's notation of bytes."""
    return (
        'the counts are Python\'s notation of bytes, "b\'...\'", as str(rle["counts"]) '
        f'makes it: write rle["counts"].decode() instead; {_REPAIR}'
    )


def size_hint(size: Any, height: int, width: int) -> str:
    """What a mask's size has to do with that of its video, to end a sentence with.

    Args:
        size: of the mask, as it is in the file.
        height: of the video.
        width: of the video.
    """
    if not isinstance(size, (list, tuple)) or not all(
        type(n) is int and n > 0 for n in size
    ):
        return ''
    if list(size) == [width, height]:
        return ': width and height are exchanged, the height comes first'
    if len(size) == 2 and is_scaled(size, height, width):
        return (
            ': it was made for frames of another scale; scale frames and masks '
            "alike ('validate.py --fix' scales masks to the nearest pixel)"
        )
    return ''


def is_scaled(size: Sequence[int], height: int, width: int) -> bool:
    """Whether a size is that of a smaller or larger edition of the frame.

    That is, one scale gives both of its sides if each is rounded, up or down.
    """
    least = max((size[0] - 1) / height, (size[1] - 1) / width)
    most = min((size[0] + 1) / height, (size[1] + 1) / width)
    return list(size) != [height, width] and least < most


def are_relative(polygons: Any, height: int, width: int) -> bool:
    """Whether polygons are given in shares of the frame instead of pixels.

    Args:
        polygons: lists [x0, y0, x1, y1, ...], or one of them.
        height: of the frame; in one of two pixels nothing is told.
        width: of the frame.
    """
    if max(height, width) < 3:
        return False
    if polygons and not isinstance(polygons[0], (list, tuple)):
        polygons = [polygons]
    try:
        points = np.concatenate([np.asarray(p, dtype=np.float64) for p in polygons])
    except (TypeError, ValueError):
        return False
    return bool(points.size and points.min() >= 0 and 0 < points.max() <= 1)


def relative_message() -> str:
    """What is wrong with polygons whose coordinates are all within 0 to 1."""
    return (
        'all coordinates of the polygons are within 0 to 1, shares of the frame; '
        'pixels are expected, x times width and y times height '
        "('validate.py --fix' does that)"
    )
