"""The contact sheet of a video whose length may not be known."""

from __future__ import annotations

import math

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.visualization.contact_sheet import (
    SheetRow,
    cell_height_of,
    cell_scale,
    contact_sheet,
    evenly_spaced,
    fit_cell,
    letter_size,
)
from mmvis.visualization.draw import draw_tracks

FRAMES = 6
_PAGE_COLUMNS = 3
# Three of them make a page of 1280 px.
_CELL_WIDTH = 416
# So many times the frames wanted are kept, to choose from.
_SPARE = 8


class VideoSheet:
    """Collects some frames of a stream, evenly spaced from first to last.

    Where the length is known, just these frames are taken. For a stream of unknown
    length, or one that ends early, every step-th frame is kept besides; when there are
    96, every other is dropped and the step doubles. The nearest of them are at most
    1/85 of the length from where they should be. Frames are drawn and reduced to their
    cells at once, so memory is constant.

    Args:
        length (int, optional): Frames of the video, if known.
    """

    def __init__(self, length: int | None = None) -> None:
        self._wanted = frozenset(evenly_spaced(length or 0, FRAMES))
        self._step = 1
        self._cells: dict[int, np.ndarray] = {}
        self._last: tuple[np.ndarray, FrameResult] | None = None

    @property
    def empty(self) -> bool:
        """Whether there was no frame."""
        return self._last is None

    def add(self, image: np.ndarray, result: FrameResult) -> None:
        """Take the next frame, (h, w, 3) uint8 BGR, and what is drawn on it."""
        index = result.frame_id
        self._last = image, result
        if index % self._step and index not in self._wanted:
            return
        self._cells[index] = _draw(image, result)
        if len(self._cells) >= 2 * _SPARE * FRAMES:
            self._step *= 2
            self._cells = {
                i: cell
                for i, cell in self._cells.items()
                if i % self._step == 0 or i in self._wanted
            }

    def page(self, title: str) -> np.ndarray:
        """A contact sheet, (H, W, 3) uint8 BGR.

        Raises:
            ValueError: There was no frame.
        """
        if self._last is None:
            raise ValueError('a contact sheet needs at least one frame.')
        last = self._last[1].frame_id
        if last not in self._cells:
            self._cells[last] = _draw(*self._last)
        kept = sorted(self._cells)
        nearest = [
            min(kept, key=lambda index: abs(index - wanted))
            for wanted in np.linspace(kept[0], last, min(FRAMES, len(kept)))
        ]
        moments = sorted(set(nearest))
        cells = [self._cells[index] for index in moments]
        row = SheetRow(title, {'': cells}, [f'frame {index}' for index in moments])
        # No wider than its frames need; a cell is at most 1.25 times as high as wide.
        width = max(max(c.shape[1], math.ceil(c.shape[0] / 1.25)) for c in cells)
        return contact_sheet([row], width, _PAGE_COLUMNS)


def _draw(image: np.ndarray, result: FrameResult) -> np.ndarray:
    letters = letter_size(_PAGE_COLUMNS, _CELL_WIDTH)
    scale, font_size = cell_scale(image.shape, _CELL_WIDTH, letters)
    drawn = draw_tracks(
        image,
        result.rles,
        result.ids,
        result.labels,
        result.scores,
        result.class_names,
        scale=scale,
        font_size=font_size,
    )
    return fit_cell(drawn, _CELL_WIDTH, cell_height_of(image.shape, _CELL_WIDTH))
