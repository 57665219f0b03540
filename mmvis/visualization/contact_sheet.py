"""Contact sheets: a row a video, a column a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from .text import paste, shorten_to_width, text_patch

_PAPER = (255, 255, 255)
_INK = (30, 30, 30)
_GREY = (110, 110, 110)
_GAP = 8


@dataclass
class SheetRow:
    """A video on the sheet.

    Attributes:
        title (str): Written above the row.
        strips (Mapping[str, Sequence[np.ndarray]]): Caption -> (h, w, 3) uint8 BGR
            frames. Several strips (ground truth and prediction, say) come one below
            another, so that a moment's frames stand in one column. With one strip its
            caption is not written.
        captions (Sequence[str]): Written below the frames of the last strip.
    """

    title: str
    strips: Mapping[str, Sequence[np.ndarray]]
    captions: Sequence[str] = field(default_factory=tuple)


def evenly_spaced(length: int, count: int) -> list[int]:
    """At most ``count`` different positions in ``range(length)``, both ends included.

    One position is the middle one.
    """
    if length <= 0 or count <= 0:
        return []
    if count == 1:
        return [(length - 1) // 2]
    positions = np.rint(np.linspace(0, length - 1, min(count, length)))
    return [int(position) for position in positions]


def fit_cell(frame: np.ndarray, cell_width: int, cell_height: int) -> np.ndarray:
    """Resize a frame to at most a cell, with its aspect ratio.

    Small frames grow by the largest fitting integer factor (nearest neighbour, so that
    pixels stay what they are); large ones shrink by area averaging.
    """
    height, width = frame.shape[:2]
    factor = min(cell_width // width, cell_height // height)
    if factor >= 1:
        return frame.repeat(factor, axis=0).repeat(factor, axis=1)
    ratio = min(cell_width / width, cell_height / height)
    size = (max(1, int(width * ratio)), max(1, int(height * ratio)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def contact_sheet(
    rows: Sequence[SheetRow], cell_width: int = 480, font_size: int = 14
) -> np.ndarray:
    """Lay out videos on one white page.

    Args:
        rows (Sequence[SheetRow]): At least one with a frame.
        cell_width (int): Width of a column in px. The height of a row's cells follows
            from its first frame and is at most 1.25 times the width.
        font_size (int): Letters of titles and captions in px.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR with ``W = 8 + columns * (cell_width + 8)``.

    Raises:
        ValueError: There is no frame at all.
    """
    counts = [len(frames) for row in rows for frames in row.strips.values()]
    columns = max(counts, default=0)
    if not columns:
        raise ValueError('a contact sheet needs at least one frame.')
    page_width = _GAP + columns * (cell_width + _GAP)
    bands = [_row_band(row, page_width, cell_width, font_size) for row in rows]
    return np.vstack(bands)


def _row_band(
    row: SheetRow, page_width: int, cell_width: int, font_size: int
) -> np.ndarray:
    parts = [_text_band([row.title], page_width, page_width, font_size + 3, _INK)]
    for caption, frames in row.strips.items():
        if len(row.strips) > 1:
            parts.append(
                _text_band([caption], page_width, page_width, font_size, _GREY)
            )
        if len(frames):
            parts.append(_strip(frames, page_width, cell_width))
    if row.captions:
        parts.append(
            _text_band(row.captions, page_width, cell_width + _GAP, font_size, _GREY)
        )
    parts.append(np.full((_GAP, page_width, 3), 255, np.uint8))
    return np.vstack(parts)


def _strip(
    frames: Sequence[np.ndarray], page_width: int, cell_width: int
) -> np.ndarray:
    height, width = frames[0].shape[:2]
    cell_height = min(round(cell_width * height / width), round(cell_width * 1.25))
    cells = [fit_cell(frame, cell_width, max(1, cell_height)) for frame in frames]
    band_height = max(cell.shape[0] for cell in cells)
    band = np.full((band_height, page_width, 3), 255, np.uint8)
    for column, cell in enumerate(cells):
        paste(band, cell, _GAP + column * (cell_width + _GAP), 0)
    return band


def _text_band(
    texts: Sequence[str], page_width: int, step: int, size: int, colour: tuple
) -> np.ndarray:
    patches = [
        text_patch(shorten_to_width(text, size, step - _GAP), size, colour, _PAPER)
        for text in texts
    ]
    height = max(patch.shape[0] for patch in patches) + 6
    band = np.full((height, page_width, 3), 255, np.uint8)
    for column, patch in enumerate(patches):
        paste(band, patch, _GAP + column * step, 4)
    return band
