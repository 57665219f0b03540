"""Text as small opaque patches, so that it can never leave the place it is given.

Pillow with matplotlib's DejaVu font: OpenCV 4 draws no letters beyond ASCII, and OpenCV
5 measures text differently.
"""

import os
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    folder = os.path.join(matplotlib.get_data_path(), 'fonts', 'ttf')
    return ImageFont.truetype(os.path.join(folder, 'DejaVuSans.ttf'), size)


@lru_cache(maxsize=4096)
def text_patch(text: str, size: int, colour: Colour, background: Colour) -> np.ndarray:
    """Render one line of text on a filled rectangle.

    Args:
        text (str): Any Unicode text; line breaks become spaces.
        size (int): Font size in pixels, >= 1.
        colour (tuple[int, int, int]): BGR of the letters.
        background (tuple[int, int, int]): BGR of the rectangle.

    Returns:
        np.ndarray: (h, w, 3) uint8 BGR, read-only (it is cached). ``h`` depends on
        ``size`` alone, so that labels in a row line up.
    """
    font = _font(size)
    text = ' '.join(text.split())
    ascent, descent = font.getmetrics()
    margin = max(1, round(size * 0.2))
    width = int(np.ceil(font.getlength(text))) + 2 * margin
    # DejaVu's ascent leaves room for accents on capitals: labels do not need all of it.
    cut = round(ascent * 0.15)
    height = ascent + descent - cut + 2 * (margin // 2)
    patch = Image.new('RGB', (width, height), background[::-1])
    ImageDraw.Draw(patch).text(
        (margin, margin // 2 - cut), text, font=font, fill=colour[::-1]
    )
    array = np.ascontiguousarray(np.asarray(patch)[:, :, ::-1])
    array.setflags(write=False)
    return array


def paste(canvas: np.ndarray, patch: np.ndarray, left: int, top: int) -> None:
    """Put ``patch`` on ``canvas`` in place; what sticks out is cut off."""
    height, width = canvas.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1 = min(left + patch.shape[1], width)
    y1 = min(top + patch.shape[0], height)
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]


def shorten_to_width(text: str, size: int, width: int) -> str:
    """Cut ``text`` with an ellipsis so that its patch is at most ``width`` px wide.

    Line breaks become spaces, as in the patch.
    """
    text = ' '.join(text.split())
    limit = width - 2 * max(1, round(size * 0.2)) - 1
    font = _font(size)
    if font.getlength(text) <= limit:
        return text
    while text and font.getlength(text + '…') > limit:
        text = text[:-1]
    return text + '…' if text else ''
