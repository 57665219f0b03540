"""Paths of things: whole-number positions at every tick of a video.

A frame lasts ``TICKS`` ticks and is seen at its middle one, so that motion blur can
look half a frame back and ahead. A path is an int64 array (ticks, 2) of x and y in
1 / PIXEL of a pixel.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .fixed_point import ONE, TURN, Stream, sine

TICKS = 16
"""Ticks in a frame's time."""

Point = tuple[int, int]


def frame_tick(frame: int) -> int:
    """The tick at which a frame is seen."""
    return frame * TICKS + TICKS // 2


def polyline(ticks: int, points: Sequence[Point], times: Sequence[int]) -> np.ndarray:
    """Straight from point to point, reached at ``times`` (percent of the video)."""
    at = np.arange(ticks, dtype=np.int64)
    path: np.ndarray = np.empty((ticks, 2), dtype=np.int64)
    path[:] = points[0]
    for (a, start), (b, stop) in pairwise(zip(points, times, strict=True)):
        first, last = start * ticks // 100, max(stop * ticks // 100, 1)
        done = np.clip(at - first, 0, last - first)[:, None]
        step = np.array(b, dtype=np.int64) - np.array(a, dtype=np.int64)
        moved = np.array(a, dtype=np.int64) + step * done // max(last - first, 1)
        path = np.where((at >= first)[:, None], moved, path)
    return path


def curved(ticks: int, start: Point, stop: Point, bow: int) -> np.ndarray:
    """An arc from start to stop that leaves the straight line by ``bow``."""
    path = polyline(ticks, (start, stop), (0, 100))
    dx, dy = stop[0] - start[0], stop[1] - start[1]
    length = max(abs(dx), abs(dy), 1)
    swing = bow * sine(np.arange(ticks) * (TURN // 2) // ticks).astype(np.int64) // ONE
    path[:, 0] -= swing * dy // length
    path[:, 1] += swing * dx // length
    return path


def bounce(
    ticks: int, start: Point, speed: Point, low: Point, high: Point
) -> np.ndarray:
    """Constant speed (1 / PIXEL of a pixel a frame), reflected at the walls of a box.

    Args:
        ticks: Length of the path.
        start: First position, inside the box.
        speed: Distance in x and y that is covered in a frame's time.
        low, high: Opposite corners of the box.
    """
    path = np.empty((ticks, 2), dtype=np.int64)
    at = np.arange(ticks, dtype=np.int64)
    for axis in (0, 1):
        span = max(high[axis] - low[axis], 1)
        folded = (start[axis] - low[axis] + at * speed[axis] // TICKS) % (2 * span)
        path[:, axis] = low[axis] + np.minimum(folded, 2 * span - folded)
    return path


def sway(ticks: int, stream: Stream, reach: int) -> np.ndarray:
    """A smooth wandering within about ``reach`` of the origin, as of a camera."""
    at = np.arange(ticks, dtype=np.int64)
    path = np.zeros((ticks, 2), dtype=np.int64)
    for axis in (0, 1):
        for cycles in (1, 3):
            phase = stream.below(TURN) + at * TURN * cycles // ticks
            path[:, axis] += reach * sine(phase) // (cycles * ONE)
    return path


def ramp(ticks: int, start: int, stop: int) -> np.ndarray:
    """(ticks,) int64 from start to stop."""
    return start + (stop - start) * np.arange(ticks, dtype=np.int64) // max(
        ticks - 1, 1
    )


def swell(ticks: int, low: int, high: int) -> np.ndarray:
    """(ticks,) int64 from low up to high in the middle and back."""
    half = np.abs(2 * np.arange(ticks, dtype=np.int64) - ticks)
    return high - (high - low) * half // ticks
