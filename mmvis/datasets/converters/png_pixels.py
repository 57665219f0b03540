"""Pixels of PNG masks, with nothing lost on the way."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..validation.orientation import exif_orientation

_GREY, _PALETTE = 0, 3  # types of colour in a PNG's header
# Pillow spreads grey values of few bits over 0 to 255, but not the transparent one.
_SPREAD = {2: 85, 4: 17}


@dataclass
class Pixels:
    """A mask image as it was read.

    Attributes:
        kind: of its values: 'index' of a palette, 'grey' or 'colour'.
        bits: of a channel, 1 to 16.
        values: (h, w) int32; a colour is red * 65536 + green * 256 + blue. What is
            transparent is -1 in an indexed image and 0 in others.
        palette: (256,) int32, the colours of indices, or None.
    """

    kind: str
    bits: int
    values: np.ndarray
    palette: np.ndarray | None = None


def read_pixels(path: Path) -> Pixels:
    """Read a mask.

    Raises:
        ValueError: it cannot be read, is no PNG, or it is one whose pixels mmvis would
            not get as they are.
    """
    try:
        with open(path, 'rb') as file:
            header = file.read(26)
            file.seek(0)
            with Image.open(file) as image:
                orientation = exif_orientation(file, image)
                trouble = _trouble(image.format, header, orientation)
                if trouble is None:
                    image.load()
                    return _pixels(image, *header[24:26])
    except Exception as error:  # Pillow's plugins raise errors of many kinds
        trouble = unreadable(error).removesuffix('.')
    raise ValueError(f"The mask '{path}' {trouble}.")


def unreadable(error: Exception) -> str:
    """What is said of an image that Pillow could not open."""
    if isinstance(error, UnidentifiedImageError):
        return 'is damaged, or no image.'
    return f'cannot be read: {error}.'


def _trouble(form: str | None, header: bytes, orientation: int) -> str | None:
    if form != 'PNG':
        return f'is a {form} by its content: save masks as PNGs, without loss'
    bits, kind = header[24:26]
    if bits == 16 and kind != _GREY:
        return (
            'has 16 bits a channel, of which 8 would be lost: save colours with 8 bits '
            'a channel, and values above 255 as grey ones without transparency'
        )
    if orientation != 1:
        return f'has the EXIF orientation {orientation}: save masks upright'
    return None


def _pixels(image: Image.Image, bits: int, kind: int) -> Pixels:
    """Of a loaded PNG; ``bits`` and ``kind`` are those of its header."""
    transparent = image.info.get('transparency')
    if kind == _PALETTE:
        values = np.asarray(image, np.int32)
        if transparent is not None:
            values = np.where(_is_transparent(transparent)[values], -1, values)
        return Pixels('index', bits, values, _palette(image))
    if kind == _GREY:
        values = np.asarray(image).astype(np.int32)
        if transparent is not None:
            if bits == 1:
                transparent = int(transparent > 0)
            values[values == transparent * _SPREAD.get(bits, 1)] = 0
        return Pixels('grey', bits, values)
    rgba = np.asarray(image.convert('RGBA'), np.int32)
    red, green, blue, alpha = np.moveaxis(rgba, -1, 0)
    colours = np.where(alpha > 0, red << 16 | green << 8 | blue, 0)
    if (colours == (colours & 0xFF) * 0x010101).all():
        return Pixels('grey', bits, colours & 0xFF)
    return Pixels('colour', bits, colours)


def _is_transparent(given: int | bytes) -> np.ndarray:
    """(256,) bool, of an index or of the alpha values of the first indices."""
    transparent = np.zeros(256, bool)
    if isinstance(given, int):
        transparent[given] = True
    else:
        transparent[: len(given)] = np.frombuffer(given, np.uint8) == 0
    return transparent


def _palette(image: Image.Image) -> np.ndarray:
    """(256,) int32; entries that the file leaves out are black."""
    channels = np.zeros(3 * 256, np.int32)
    given = image.getpalette('RGB') or []
    channels[: len(given)] = given
    red, green, blue = channels.reshape(256, 3).T
    return red << 16 | green << 8 | blue
