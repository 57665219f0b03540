"""What becomes of masks that are written as polygons of fewer points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from .. import shapes


class Simplifying:
    """Counts the pixels that polygons and masks do not have in common.

    Args:
        tolerance: of ``outlines``; None where masks are written as they are.
    """

    def __init__(self, tolerance: float | None) -> None:
        self.tolerance = tolerance or 0.0
        self._changed = self._pixels = 0

    def compare(self, mask: np.ndarray, polygons: Sequence[np.ndarray]) -> None:
        """Count a mask (h, w) bool and the polygons (n, 2) that stand for it."""
        self._pixels += int(mask.sum())
        if self.tolerance:
            rles = [shapes.polygon(p.tolist(), *mask.shape) for p in polygons]
            there = mask_utils.decode(shapes.union([r for r in rles if r]))
            self._changed += int((there.astype(bool) != mask).sum())

    def notes(self) -> list[str]:
        """What is said of it."""
        if not self.tolerance:
            return []
        share = self._changed / max(self._pixels, 1)
        return [
            f'polygons within {self.tolerance:g} pixels of the masks: {self._changed} '
            f'of {self._pixels} pixels ({share:.1%}) differ. --polygons 0 keeps all.'
        ]


def tight_box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels, the last two beyond them."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1]) + 1,
        int(rows[-1]) + 1,
    )
