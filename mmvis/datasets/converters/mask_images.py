"""Objects in a mask image: indexed, grey or colour-coded PNGs, or binary ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures.rle import RLE, encode_masks

from ..frame_files import natural_order
from .png_pixels import read_pixels

_MOST_COLOURS = 255
_MOST_OBJECTS = 4000
# As many values that lie only beside other objects, if they are most, are no objects.
_FEWEST_EDGES = 8
_VOID_OF_BYTES = 255
_MASKS_AT_ONCE = 16


@dataclass
class MaskImage:
    """What a mask image shows.

    Attributes:
        path: of the image.
        kind: of its values: 'index' of a palette, 'grey' or 'colour'.
        bits: of a channel; 16 are told apart since 255 is an ordinary value there.
        size: (height, width) in pixels.
        values: of the regions that are not transparent; a colour is red * 65536 +
            green * 256 + blue.
        colours: of the regions, in that form.
        rles: of the regions, None where value and colour are 0.
    """

    path: Path
    kind: str
    bits: int
    size: tuple[int, int]
    values: list[int]
    colours: list[int]
    rles: list[RLE | None]


def read_mask_image(path: Path) -> MaskImage:
    """Read an image whose pixels tell objects apart.

    Colour images whose channels are equal count as grey; what is transparent is
    background.

    Args:
        path: a PNG.

    Raises:
        ValueError: it cannot be read as it is, or shows smoothed edges or noise: more
            values than objects can be, or most of them only beside other objects.
    """
    image = read_pixels(path)
    kind, pixels = image.kind, image.values
    values = _distinct(pixels)
    values = values[values >= 0]
    _check_values(path, kind, pixels, values)
    colours = values.astype(np.int64) * 0x010101 if kind == 'grey' else values
    if image.palette is not None:
        colours = image.palette[values]
    rles: list[RLE | None] = [None] * len(values)
    coloured = np.flatnonzero(values | colours)
    for start in range(0, len(coloured), _MASKS_AT_ONCE):
        some = coloured[start : start + _MASKS_AT_ONCE]
        masks = encode_masks(pixels == values[some, None, None])
        for position, rle in zip(some, masks, strict=True):
            rles[position] = rle
    return MaskImage(
        path, kind, image.bits, pixels.shape, values.tolist(), colours.tolist(), rles
    )


def read_binary_mask(path: Path) -> tuple[tuple[int, int], RLE]:
    """(height, width) and the RLE of all that is not 0, black or transparent.

    Raises:
        ValueError: it cannot be read.
    """
    pixels = read_pixels(path).values
    return pixels.shape, encode_masks((pixels > 0)[None])[0]


def objects_of(
    images: Sequence[MaskImage], void: int | None = None
) -> dict[str, list[RLE | None]]:
    """Objects of a video: one value, or one colour, is one object in all frames.

    Values decide. Colours do where images are colour-coded, or where palettes differ so
    that a value changes its colour.

    Args:
        images: of the frames, in order.
        void: a value that is no object but pixels to be left out. Where a video has no
            other value, it is an object: that is how binary masks are written. 255 is
            an object where a mask of the video has 16 bits.

    Returns:
        {name: one mask a frame, or None}, in natural order; names are '1' or '#ff0000'.

    Raises:
        ValueError: there are more colours than objects can be.
    """
    by_colour = _palettes_differ(images) or any(
        image.kind == 'colour' for image in images
    )
    found: dict[int, list[RLE | None]] = {}
    for frame, image in enumerate(images):
        keys = image.colours if by_colour else image.values
        for key, rle in zip(keys, image.rles, strict=True):
            if rle is None:
                continue
            masks = found.setdefault(key, [None] * len(images))
            earlier = masks[frame]
            masks[frame] = mask_utils.merge([earlier, rle]) if earlier else rle
    found.pop(0, None)
    if void == _VOID_OF_BYTES and any(image.bits == 16 for image in images):
        void = None
    if not by_colour and void in found and len(found) > 1:
        del found[void]
    if len(found) > (_MOST_COLOURS if by_colour else _MOST_OBJECTS):
        what = 'colours' if by_colour else 'values'
        folder = images[0].path.parent
        raise ValueError(
            _too_many(f"The {what} of the masks in '{folder}'", len(found))
        )
    names = {f'#{key:06x}' if by_colour else str(key): key for key in found}
    return {name: found[names[name]] for name in sorted(names, key=natural_order)}


def _palettes_differ(images: Sequence[MaskImage]) -> bool:
    colour_of: dict[int, int] = {}
    return any(
        colour_of.setdefault(value, colour) != colour
        for image in images
        if image.kind == 'index'
        for value, colour in zip(image.values, image.colours, strict=True)
    )


def _too_many(what: str, count: int) -> str:
    return (
        f'{what} are {count}: each object has one value or colour, without smoothing, '
        'and masks are saved without loss.'
    )


def _check_values(
    path: Path, kind: str, pixels: np.ndarray, values: np.ndarray
) -> None:
    what = 'colours' if kind == 'colour' else 'values'
    if len(values) > (_MOST_COLOURS if kind == 'colour' else _MOST_OBJECTS):
        raise ValueError(_too_many(f"The {what} of mask '{path}'", len(values)))
    objects = values[values > 0]
    if len(objects) < _FEWEST_EDGES:
        return
    whole = np.intersect1d(objects, _distinct(pixels[~_beside_others(pixels)]))
    edges = len(objects) - len(whole)
    if edges >= _FEWEST_EDGES and 2 * edges > len(objects):
        raise ValueError(
            f"The mask '{path}' has {len(objects)} {what} of which {edges} lie only "
            'beside others, as smoothed edges and noise do: save masks without '
            'smoothing and without loss, a value or colour for each object.'
        )


def _beside_others(pixels: np.ndarray) -> np.ndarray:
    """(h, w) bool: pixels of objects that have a pixel of another as a neighbour."""
    beside = np.zeros(pixels.shape, bool)
    for axis in (0, 1):
        of, here = np.swapaxes(pixels, 0, axis), np.swapaxes(beside, 0, axis)
        differ = (of[1:] != of[:-1]) & (of[1:] > 0) & (of[:-1] > 0)
        here[1:] |= differ
        here[:-1] |= differ
    return beside


def _distinct(pixels: np.ndarray) -> np.ndarray:
    """Sorted values; looked for where a row of equal ones begins, which are few."""
    flat = pixels.ravel()
    if not len(flat):
        return flat
    begins = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    return np.unique(np.append(flat[begins], flat[0]))
