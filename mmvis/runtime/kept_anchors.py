"""What STMask's network for detections takes: where they are, by anchor shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Level of one cell, its first and only one: where nothing is.
NOWHERE = (0, 1, 1, 0, 0)


def places_of(cells: np.ndarray, sizes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Places (n, 5) int64 of cells (n,) of levels that lie one after the other.

    Args:
        cells: Numbers of cells, row by row within each level.
        sizes: Height and width of each level.

    Returns:
        ndarray: First cell of the level, its height and width, row and column.
    """
    levels = np.array(sizes, np.int64)
    ends = levels.prod(1).cumsum()
    level = np.searchsorted(ends, cells, side='right')
    first = (ends - levels.prod(1))[level]
    row, column = np.divmod(cells - first, levels[level, 1])
    return np.column_stack([first, levels[level], row, column]).astype(np.int64)


def by_shape(
    shapes: np.ndarray, count: int, places: np.ndarray, deltas: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Detections of one anchor shape in one row, as many columns as most have.

    Args:
        shapes: (n,), the anchor shape of each, below ``count``; n is not 0.
        count: Number of anchor shapes A.
        places: (n, 5).
        deltas: (n, 4).

    Returns:
        tuple: Places (A, m, 5), deltas (A, m, 4), and row and column of each detection.
    """
    # How many of the same shape come before each.
    before = np.triu(shapes[:, None] == shapes[None], 1).sum(0)
    most = before.max() + 1
    slots = (shapes, before)
    all_places = np.tile(np.array(NOWHERE, np.int64), (count, most, 1))
    all_deltas = np.zeros((count, most, 4), np.float32)
    all_places[slots], all_deltas[slots] = places, deltas
    return all_places, all_deltas, slots
