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
# Pages are looked at whole, on screens or in documents about so wide.
_SEEN_WIDTH = 1280
_LETTERS = 13


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


def cell_height_of(shape: Sequence[int], cell_width: int) -> int:
    """Height in px of a cell for frames of a shape (h, w, ...), so wide at most."""
    height = round(cell_width * shape[0] / shape[1])
    return max(1, min(height, round(cell_width * 1.25)))


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


def cell_scale(shape: Sequence[int], cell_width: int, letters: int) -> tuple[int, int]:
    """How to draw on a frame that :func:`fit_cell` puts into a cell.

    Args:
        shape (Sequence[int]): (h, w, ...) of the frame.
        cell_width (int): Of the cell, px.
        letters (int): Size that letters are to have on the page, px.

    Returns:
        tuple[int, int]: Whole factor to draw at, and the size of letters there.
    """
    height, width = shape[:2]
    cell_height = cell_height_of(shape, cell_width)
    factor = min(cell_width // width, cell_height // height)
    if factor >= 1:
        return factor, letters
    return 1, round(letters * max(width / cell_width, height / cell_height))


def page_width(columns: int, cell_width: int) -> int:
    """Width of a page in px."""
    return _GAP + columns * (cell_width + _GAP)


def letter_size(columns: int, cell_width: int) -> int:
    """Letters in px that can be read when the whole page is seen.

    A page wider than 1280 px is seen reduced to that, so letters grow with it.
    """
    return round(_LETTERS * max(1.0, page_width(columns, cell_width) / _SEEN_WIDTH))


def contact_sheet(
    rows: Sequence[SheetRow], cell_width: int = 480, columns: int | None = None
) -> np.ndarray:
    """Lay out videos on one white page.

    Args:
        rows (Sequence[SheetRow]): At least one with a frame.
        cell_width (int): Width of a column in px. The height of a row's cells follows
            from its first frame and is at most 1.25 times the width.
        columns (int, optional): Frames in a line, at most; a row's further ones go on
            below. By default as many as the longest row has.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR with ``W = page_width(columns, cell_width)``.
        Letters have :func:`letter_size`.

    Raises:
        ValueError: There is no frame at all.
    """
    counts = [len(frames) for row in rows for frames in row.strips.values()]
    longest = max(counts, default=0)
    if not longest:
        raise ValueError('a contact sheet needs at least one frame.')
    columns = min(columns or longest, longest)
    return np.vstack([_row_band(row, columns, cell_width) for row in rows])


def _row_band(row: SheetRow, columns: int, cell_width: int) -> np.ndarray:
    width = page_width(columns, cell_width)
    letters = letter_size(columns, cell_width)
    parts = [_text_band([row.title], width, width, letters + 3, _INK)]
    longest = max((len(frames) for frames in row.strips.values()), default=0)
    for start in range(0, longest, columns):
        line = slice(start, start + columns)
        for caption, frames in row.strips.items():
            if len(row.strips) > 1:
                parts.append(_text_band([caption], width, width, letters, _GREY))
            if len(frames[line]):
                parts.append(_strip(frames[line], width, cell_width))
        if row.captions[line]:
            step = cell_width + _GAP
            parts.append(_text_band(row.captions[line], width, step, letters, _GREY))
    parts.append(np.full((_GAP, width, 3), 255, np.uint8))
    return np.vstack(parts)


def _strip(frames: Sequence[np.ndarray], width: int, cell_width: int) -> np.ndarray:
    cell_height = cell_height_of(frames[0].shape, cell_width)
    cells = [fit_cell(frame, cell_width, cell_height) for frame in frames]
    band_height = max(cell.shape[0] for cell in cells)
    band = np.full((band_height, width, 3), 255, np.uint8)
    for column, cell in enumerate(cells):
        paste(band, cell, _GAP + column * (cell_width + _GAP), 0)
    return band


def _text_band(
    texts: Sequence[str], width: int, step: int, size: int, colour: tuple
) -> np.ndarray:
    patches = [
        text_patch(shorten_to_width(text, size, step - _GAP), size, colour, _PAPER)
        for text in texts
    ]
    height = max(patch.shape[0] for patch in patches) + 6
    band = np.full((height, width, 3), 255, np.uint8)
    for column, patch in enumerate(patches):
        paste(band, patch, _GAP + column * step, 4)
    return band
