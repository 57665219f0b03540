"""Masks as polygons: along the edges of their pixels, or near them."""

from __future__ import annotations

import cv2
import numpy as np


def outlines(mask: np.ndarray, tolerance: float = 0.0) -> list[np.ndarray]:
    """Polygons of a mask, one for each part that hangs together.

    Without a tolerance they follow the edges of the pixels, so that pycocotools gives
    the same mask back: a pixel is inside if a line from it crosses the polygon an odd
    number of times, and edges lie between the centres of pixels. A hole is joined to
    its outline by a line that is gone there and back, which counts twice.

    Args:
        mask: (h, w) bool.
        tolerance: how far, in pixels, points may be left out. A part that would vanish
            keeps all of its points, a hole goes.

    Returns:
        Each (n, 2) int32, x and y from 0 to w and h; parts of more pixels first.
    """
    # Twice as large, borders of pixels are told apart from their centres: an even
    # coordinate is the left or upper half of a pixel, an odd one the other half.
    doubled = mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    found, levels = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = [_corners((contour[:, 0] + 1) // 2) for contour in found]
    parts = []
    for index, ring in enumerate(rings):
        if levels[0][index][3] >= 0:
            continue
        area = abs(cv2.contourArea(ring))
        simple = _simplified(ring, tolerance)
        joined = ring if simple is None else simple
        for other, hole in enumerate(rings):
            if levels[0][other][3] == index:
                simple = _simplified(hole, tolerance)
                joined = joined if simple is None else _joined(joined, simple)
        parts.append((area, joined))
    return [part for _, part in sorted(parts, key=lambda pair: -pair[0])]


def _corners(ring: np.ndarray) -> np.ndarray:
    """A ring without points that repeat or lie on a line."""
    ring = ring[(ring != np.roll(ring, 1, axis=0)).any(1)]
    step = np.roll(ring, -1, axis=0) - ring
    return ring[(step != np.roll(step, 1, axis=0)).any(1)].astype(np.int32)


def _simplified(ring: np.ndarray, tolerance: float) -> np.ndarray | None:
    """A ring of fewer points; None if nothing is left of it."""
    if tolerance <= 0:
        return ring
    simple = cv2.approxPolyDP(ring[:, None], tolerance, True)[:, 0]
    if len(simple) >= 3 and cv2.contourArea(simple) > 0:
        return simple
    return None


def _joined(ring: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """One ring that goes from its point nearest to the hole around that and back."""
    distances = np.abs(ring[:, None] - hole[None]).sum(-1)
    i, j = np.unravel_index(int(distances.argmin()), distances.shape)
    around = np.concatenate([hole[j:], hole[: j + 1]])
    return np.concatenate([ring[: i + 1], around, ring[i:]])
