"""Repairs of a single mask, where it is no guess what it was meant to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures.odd_masks import are_relative, counts_of_python_text, is_scaled
from mmvis.structures.rle import RLE, decode_masks, encode_masks
from mmvis.structures.segmentation import to_rle


class Frame(NamedTuple):
    """Where a mask belongs.

    Attributes:
        height: of the video, in pixels.
        width: of the video.
        box: what the file has for a box; it tells how an exchanged size was meant.
        place: in words.
    """

    height: int
    width: int
    box: Any
    place: str


def repaired_mask(
    mask: Any, at: Frame, tell: Callable[[str, str, str], None]
) -> tuple[Any, bool]:
    """A mask of the file as a compressed RLE of the video's size.

    * Counts that are Python's notation of bytes are read as such.
    * Relative polygons are multiplied by the sides of the frame.
    * Of another scale: resized, each pixel taken from the nearest.
    * Width and height exchanged: either the size alone is, or the mask was transposed
      too. The one whose tight box is the file's box is meant; without a box, nothing is
      changed.
    * A mask without any pixel is null.

    Args:
        mask: as in the file; not changed.
        at: its frame.
        tell: called with code, what was done, and place.

    Returns:
        The mask for the file, and whether it is understood; if not, it is as it was.
    """
    if mask is None or mask == []:
        return None, True
    fixed = mask
    if isinstance(mask, dict):
        text = counts_of_python_text(mask.get('counts'))
        if text is not None:
            fixed = {**mask, 'counts': text}
            tell('BAD_SEGM', "counts read from Python's notation of bytes", at.place)
    elif are_relative(mask, at.height, at.width):
        fixed = _in_pixels(mask, at)
        tell('BAD_SEGM', 'relative polygons made pixels', at.place)
    try:
        rle = _of_video_size(fixed, at, tell)
    except (ValueError, OverflowError, TypeError):
        return mask, False
    if rle is None:
        return None, True
    if not mask_utils.area(rle):
        tell('ZERO_AREA', 'masks without a pixel made null', at.place)
        return None, True
    if isinstance(fixed, list):
        tell('POLYGON', 'rasterised and compressed', at.place)
    return {'size': list(rle['size']), 'counts': rle['counts'].decode()}, True


def _of_video_size(
    mask: Any, at: Frame, tell: Callable[[str, str, str], None]
) -> RLE | None:
    size = mask.get('size') if isinstance(mask, dict) else None
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(n) is int for n in size)
        or size == [at.height, at.width]
    ):
        return to_rle(mask, at.height, at.width)
    rle = to_rle(mask, *size)
    if rle is None:
        return None
    if size == [at.width, at.height]:
        return _turned(rle, at, tell)
    if not is_scaled(size, at.height, at.width):
        raise ValueError('a mask of another shape than the frame')
    pixels = decode_masks([rle], *size)[0]
    rows = (np.arange(at.height) + 0.5) * size[0] / at.height
    columns = (np.arange(at.width) + 0.5) * size[1] / at.width
    tell('RLE_SIZE', 'masks of another scale resized', at.place)
    return encode_masks(pixels[np.ix_(rows.astype(int), columns.astype(int))][None])[0]


def _turned(rle: RLE, at: Frame, tell: Callable[[str, str, str], None]) -> RLE:
    of_size: RLE = {'size': [at.height, at.width], 'counts': rle['counts']}
    pixels = decode_masks([rle], at.width, at.height)
    transposed = encode_masks(np.ascontiguousarray(pixels.transpose(0, 2, 1)))[0]
    fitting = [
        candidate
        for candidate in (of_size, transposed)
        if isinstance(at.box, list)
        and len(at.box) == 4
        and np.abs(mask_utils.toBbox(candidate) - at.box).max() <= 2
    ]
    if len(fitting) != 1:
        raise ValueError('nothing tells how the mask was meant')
    tell('RLE_SIZE', 'width and height exchanged back, by the boxes', at.place)
    return fitting[0]


def _in_pixels(polygons: list, at: Frame) -> list:
    flat = polygons if isinstance(polygons[0], list) else [polygons]
    return [
        [n * (at.width if i % 2 == 0 else at.height) for i, n in enumerate(polygon)]
        for polygon in flat
    ]
