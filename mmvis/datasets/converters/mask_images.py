"""Objects in a mask image: indexed, grey or colour-coded PNGs, or binary ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from pycocotools import mask as mask_utils

from mmvis.structures.rle import RLE, encode_masks

from ..frame_files import natural_order

_MOST_COLOURS = 255
_MASKS_AT_ONCE = 16


@dataclass
class MaskImage:
    """What a mask image shows.

    Attributes:
        path: of the image.
        kind: of its values: 'index' of a palette, 'grey' or 'colour'.
        size: (height, width) in pixels.
        values: of the regions; a colour is red * 65536 + green * 256 + blue.
        colours: of the regions, in that form.
        rles: of the regions, None where value and colour are 0.
    """

    path: Path
    kind: str
    size: tuple[int, int]
    values: list[int]
    colours: list[int]
    rles: list[RLE | None]


def read_mask_image(path: Path) -> MaskImage:
    """Read an image whose pixels tell objects apart.

    Colour images whose channels are equal count as grey; what is transparent in them
    is background.

    Args:
        path: an image of any mode, saved without loss.

    Raises:
        ValueError: it cannot be read, or has more colours than objects can be.
    """
    kind, pixels, palette = _read_pixels(path)
    values = _distinct(pixels)
    if kind == 'colour' and len(values) > _MOST_COLOURS:
        raise ValueError(_too_many(f"The colours of mask '{path}'", len(values)))
    colours = values * 0x010101 if kind == 'grey' else values
    if palette is not None:
        colours = palette[values]
    rles: list[RLE | None] = [None] * len(values)
    coloured = np.flatnonzero(values | colours)
    for start in range(0, len(coloured), _MASKS_AT_ONCE):
        some = coloured[start : start + _MASKS_AT_ONCE]
        masks = encode_masks(pixels == values[some, None, None])
        for position, rle in zip(some, masks, strict=True):
            rles[position] = rle
    return MaskImage(path, kind, pixels.shape, values.tolist(), colours.tolist(), rles)


def read_binary_mask(path: Path) -> tuple[tuple[int, int], RLE]:
    """(height, width) and the RLE of all that is not 0, black or transparent.

    Raises:
        ValueError: it cannot be read.
    """
    _, pixels, _ = _read_pixels(path)
    return pixels.shape, encode_masks((pixels != 0)[None])[0]


def objects_of(
    images: Sequence[MaskImage], void: int | None = None
) -> dict[str, list[RLE | None]]:
    """Objects of a video: one value, or one colour, is one object in all frames.

    Values decide. Colours do where images are colour-coded, or where palettes differ so
    that a value changes its colour.

    Args:
        images: of the frames, in order.
        void: a value that is no object but pixels to be left out. Where a video has no
            other value, it is an object: that is how binary masks are written.

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
    if not by_colour and void in found and len(found) > 1:
        del found[void]
    if by_colour and len(found) > _MOST_COLOURS:
        folder = images[0].path.parent
        raise ValueError(
            _too_many(f"The colours of the masks in '{folder}'", len(found))
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


def unreadable(error: Exception) -> str:
    """What is said of an image that Pillow could not open."""
    if isinstance(error, UnidentifiedImageError):
        return 'is damaged, or no image.'
    return f'cannot be read: {error}.'


def _too_many(what: str, count: int) -> str:
    return (
        f'{what} are {count}: each object has one colour, without smoothing, and masks '
        'are saved without loss.'
    )


def _read_pixels(path: Path) -> tuple[str, np.ndarray, np.ndarray | None]:
    """The kind of values, the values (h, w) int32, and the palette if there is one."""
    try:
        with Image.open(path) as image:
            image.load()
            if image.mode == 'P':
                return 'index', np.asarray(image, np.int32), _palette(image)
            if image.mode == '1' or image.mode.startswith(('L', 'I')):
                grey = image.getchannel(0) if image.mode == 'LA' else image
                return 'grey', np.asarray(grey).astype(np.int32), None
            rgba = np.asarray(image.convert('RGBA'), np.int32)
    except Exception as error:  # Pillow's plugins raise errors of many kinds
        raise ValueError(f"The mask '{path}' {unreadable(error)}") from None
    red, green, blue, alpha = np.moveaxis(rgba, -1, 0)
    colours = np.where(alpha > 0, red << 16 | green << 8 | blue, 0)
    if (colours == (colours & 0xFF) * 0x010101).all():
        return 'grey', colours & 0xFF, None
    return 'colour', colours, None


def _palette(image: Image.Image) -> np.ndarray:
    """(256,) int32; entries that the file leaves out are black."""
    channels = np.zeros(3 * 256, np.int32)
    given = image.getpalette('RGB') or []
    channels[: len(given)] = given
    red, green, blue = channels.reshape(256, 3).T
    return red << 16 | green << 8 | blue


def _distinct(pixels: np.ndarray) -> np.ndarray:
    """Sorted values; looked for where a row of equal ones begins, which are few."""
    flat = pixels.ravel()
    begins = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    return np.unique(np.append(flat[begins], flat[0]))
