"""Shapes of labelling tools as masks.

Polygons are rasterised as pycocotools does, in all formats alike, and so are boxes,
which are polygons of four corners. A pixel is in an ellipse if its centre is.
"""

from __future__ import annotations

import base64
import io
import math
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.structures.rle import RLE, encode_masks
from mmvis.structures.segmentation import to_rle

Points = Sequence[Sequence[float]]


def polygon(points: Points, height: int, width: int) -> RLE | None:
    """The mask of a polygon [(x, y), ...]; None if it has fewer than three points."""
    if len(points) < 3:
        return None
    return to_rle([[float(n) for point in points for n in point]], height, width)


def polygon_with_holes(
    exterior: Points, interior: Sequence[Points], height: int, width: int
) -> RLE | None:
    """The mask of a polygon without that of its holes."""
    whole = polygon(exterior, height, width)
    holes = [hole for p in interior if (hole := polygon(p, height, width))]
    if whole is None or not holes:
        return whole
    pixels = mask_utils.decode([whole, *holes]).astype(bool)
    return encode_masks((pixels[..., 0] & ~pixels[..., 1:].any(-1))[None])[0]


def box(
    left: float,
    top: float,
    right: float,
    bottom: float,
    height: int,
    width: int,
    degrees: float = 0.0,
) -> RLE | None:
    """The mask of a box, turned clockwise around its centre."""
    corners = np.array(
        [(left, top), (right, top), (right, bottom), (left, bottom)], float
    )
    if degrees:
        corners = _turned(corners, corners.mean(0), degrees)
    return polygon(corners.tolist(), height, width)


def ellipse(
    centre: Sequence[float],
    radii: Sequence[float],
    height: int,
    width: int,
    degrees: float = 0.0,
) -> RLE:
    """The mask of an ellipse, turned clockwise around its centre (x, y)."""
    y, x = np.mgrid[:height, :width] + 0.5
    angle = math.radians(degrees)
    dx, dy = x - centre[0], y - centre[1]
    along = (dx * math.cos(angle) + dy * math.sin(angle)) / max(radii[0], 1e-9)
    across = (dy * math.cos(angle) - dx * math.sin(angle)) / max(radii[1], 1e-9)
    return encode_masks((along**2 + across**2 <= 1)[None])[0]


def patch(pixels: np.ndarray, left: int, top: int, height: int, width: int) -> RLE:
    """The mask of a small one (h, w) bool at a place; what is outside is cut off."""
    mask = np.zeros((1, height, width), bool)
    x0, y0 = max(left, 0), max(top, 0)
    inside = pixels[y0 - top : height - top, x0 - left : width - left]
    mask[0, y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]] = inside
    return encode_masks(mask)[0]


def rows_to_pixels(runs: Sequence[int], height: int, width: int) -> np.ndarray:
    """(h, w) bool of run lengths row by row, background first, as CVAT writes them.

    Raises:
        ValueError: they do not fill the mask.
    """
    lengths = np.asarray(runs, np.int64)
    if (lengths.size and lengths.min() < 0) or lengths.sum() != height * width:
        raise ValueError(
            f'the run lengths add up to {lengths.sum()}, not to {height} x {width}'
        )
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(height, width)


def png_to_pixels(text: str, compressed: bool = False) -> np.ndarray:
    """(h, w) bool of a PNG in base64: what is not transparent, or if all is
    opaque, not black.

    Args:
        text: the base64 text.
        compressed: whether the PNG was compressed by zlib, too.

    Raises:
        ValueError: it is no such PNG.
    """
    try:
        data = base64.b64decode(text)
        if compressed:
            data = zlib.decompress(data)
        with Image.open(io.BytesIO(data)) as image:
            if image.mode[-1] == 'A' or 'transparency' in image.info:
                return np.asarray(image.convert('RGBA'))[..., 3] > 0
            return np.asarray(image.convert('RGB')).max(-1) > 0
    except Exception as error:  # base64, zlib and Pillow raise errors of many kinds
        raise ValueError(f'the mask is no PNG in base64: {error}') from None


def pixels_to_png(pixels: np.ndarray) -> str:
    """The PNG in base64 of a mask (h, w) bool, of 0 and 1 as labelme writes them."""
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, 'PNG')
    return base64.b64encode(file.getvalue()).decode('ascii')


def union(masks: Sequence[RLE]) -> RLE:
    """One mask of several."""
    return masks[0] if len(masks) == 1 else mask_utils.merge(list(masks))


def _turned(points: np.ndarray, centre: np.ndarray, degrees: float) -> np.ndarray:
    """Points (n, 2) clockwise around a centre; y points down."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
