"""Shapes between the key frames of a track, as CVAT computes them.

Boxes and ellipses move linearly, and turn the shorter way. Polygons of any numbers of
points are matched along their outlines: a point goes to the one at the nearest share of
the outline's length, and points of the second outline that none went to pull their
nearest one of the first. Then points that came too close are left out. Masks are not
interpolated. A shape lasts until the next key frame, or the end of the task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Shape:
    """A shape in one frame.

    Attributes:
        kind: 'box', 'ellipse', 'polygon' or 'mask'.
        numbers: of a box (left, top, right, bottom), of an ellipse (x, y, radius,
            radius), of a polygon (x, y, ...); of a mask its run lengths.
        degrees: clockwise.
        outside: whether the object cannot be seen from here on.
        place: of a mask: (left, top, width, height).
    """

    kind: str
    numbers: tuple[float, ...]
    degrees: float = 0.0
    outside: bool = False
    place: tuple[int, ...] = ()


def shapes_of_frames(
    keys: dict[int, Shape], numbers: list[int], to_the_end: bool = True
) -> dict[int, Shape]:
    """What a track shows in each frame of its task.

    Args:
        keys: shapes by frame number, in order; those that CVAT interpolated and wrote
            may be among them.
        numbers: of the task's frames, in order; they may have a step.
        to_the_end: whether the last shape lasts until the end of the task. CVAT's
            exports have all frames of a track, and shapes of single frames, too, which
            look like tracks; of those in the last frame but one it writes no end.

    Returns:
        Shapes by frame number, without those outside.
    """
    found: dict[int, Shape] = {}
    ordered = sorted(keys)
    for frame, after in zip(ordered, [*ordered[1:], None], strict=True):
        shape = keys[frame]
        if shape.outside:
            continue
        found[frame] = shape
        if shape.kind == 'mask' or (after is None and not to_the_end):
            continue
        for between in numbers:
            if between <= frame or (after is not None and between >= after):
                continue
            if after is None:
                found[between] = shape
            else:
                share = (between - frame) / (after - frame)
                found[between] = interpolated(shape, keys[after], share)
    return found


def interpolated(left: Shape, right: Shape, share: float) -> Shape:
    """The shape at a share of the time between two; the first's where kinds differ."""
    if left.kind != right.kind:
        return left
    start, stop = np.array(left.numbers, float), np.array(right.numbers, float)
    if left.kind == 'polygon':
        points = _outline(start.reshape(-1, 2), stop.reshape(-1, 2), share)
        return replace(left, numbers=tuple(points.ravel().tolist()))
    # The shorter way round: within half a turn.
    turn = (right.degrees - left.degrees + 180) % 360 - 180
    return replace(
        left,
        numbers=tuple((start + (stop - start) * share).tolist()),
        degrees=(left.degrees + turn * share) % 360,
    )


def _outline(left: np.ndarray, right: np.ndarray, share: float) -> np.ndarray:
    """A closed outline (k, 2) between two, (n, 2) and (m, 2)."""
    left, right = (np.concatenate([points, points[:1]]) for points in (left, right))
    matches = _matches(_shares_of_length(left), _shares_of_length(right))
    moved = [
        left[i] + (right[j] - left[i]) * share
        for i, partners in enumerate(matches)
        for j in partners
    ]
    return np.array(_thinned(np.array(moved), matches, left, right))[:-1]


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _shares_of_length(points: np.ndarray) -> np.ndarray:
    """Share of the outline's length at which each point lies, 0 to 1."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.append(0, np.cumsum(steps)) / max(steps.sum(), 1e-12)


def _matches(left: np.ndarray, right: np.ndarray) -> list[list[int]]:
    """For each point of the first outline, those of the second that it goes to."""
    nearest = np.abs(left[:, None] - right[None]).argmin(1).tolist()
    matches = [[j] for j in nearest]
    for j in sorted(set(range(len(right))) - set(nearest)):
        matches[int(np.abs(left - right[j]).argmin())].append(j)
    return [sorted(partners) for partners in matches]


def _thinned(
    moved: np.ndarray, matches: list[list[int]], left: np.ndarray, right: np.ndarray
) -> list[np.ndarray]:
    """The moved points without those that came too close to each other.

    A run of points of the first outline that went to one point of the second is
    thinned by its length there; the points that one point of the first became, by the
    length of their run in the second.
    """
    first = np.cumsum([0, *(len(partners) for partners in matches)])
    kept: list[np.ndarray] = []
    start = 0
    while start < len(matches):
        stop = start
        if len(matches[start]) > 1:
            run = right[matches[start][0] : matches[start][-1] + 1]
            last = first[start + 1] - 1
        else:
            while stop + 1 < len(matches) and matches[stop + 1] == matches[start]:
                stop += 1
            run, last = left[start : stop + 1], first[stop]
        kept += _run(moved[first[start] : last + 1], _length(run) / (2 * len(run)))
        start = stop + 1
    return kept


def _run(points: np.ndarray, least: float) -> list[np.ndarray]:
    """The ends of a run, and what is at least so far from the one kept before."""
    if len(points) == 1:
        return [points[0]]
    kept = [points[0]]
    for point in points[1:-1]:
        if np.linalg.norm(point - kept[-1]) >= least:
            kept.append(point)
    kept.append(points[-1])
    if len(kept) == 2 and np.linalg.norm(kept[1] - kept[0]) < least:
        return [(kept[0] + kept[1]) / 2]
    return kept
