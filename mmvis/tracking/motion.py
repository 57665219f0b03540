"""Where tracks are expected: constant velocity, smoothed, and dying away when unseen.

Not a Kalman filter: with masks the place is measured well, and what goes wrong are
masks that jump (two objects in one, half an object), which a filter's covariances say
nothing of. Like OC-SORT, the velocity is taken between observations, not predictions.
"""

from __future__ import annotations

import numpy as np

# Share of the latest velocity in the one that is remembered.
_MOMENTUM = 0.5
# A track unseen slows down by this each frame, so that it stops 10 frames' ways ahead.
_DECAY = 0.9
# A mask so much larger or smaller than usual is of two objects, or of half of one: its
# centre tells nothing of the motion.
_SUDDEN = 1.5
_SIZE_MOMENTUM = 0.2
# An object that is seen in part shows its size by its longer side, less a margin.
_LONGER = 0.9
# A place that is expected is uncertain by this share of the way there.
_WAY = 0.5


def centres(boxes: np.ndarray) -> np.ndarray:
    """(n, 2) px of boxes (n, 4)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sizes(boxes: np.ndarray) -> np.ndarray:
    """(n,) px: the side of a square of a box's area, at least 1."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.sqrt(np.maximum(sides[:, 0] * sides[:, 1], 1.0))


def extents(boxes: np.ndarray) -> np.ndarray:
    """(n,) px: how large what is seen in boxes (n, 4) may be, at least its size.

    The longer side of a box counts: beside a post a walker is as tall as ever, and a
    bar that turns as long, while a piece of what was several is small in both.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    longer = np.maximum(sides[:, 0], sides[:, 1])
    return np.maximum(sizes(boxes), _LONGER * longer)


def units(
    usual: np.ndarray, seen: np.ndarray, ways: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lengths that distances of masks and tracks are measured in, px.

    An object that was half hidden is not smaller than it was, so that its usual size
    counts. But that may be of several that were once in one mask: what is seen of it
    now, and the way that it was expected to go, bound it.

    Args:
        usual (np.ndarray): (m,) usual sizes of tracks, px.
        seen (np.ndarray): (n, m) extent that is seen, the larger of both, px.
        ways (np.ndarray): (m,) from where tracks were to where they are expected, px.

    Returns:
        tuple: (n, m) from where a track was last seen, and (n, m) from where it is
        expected.
    """
    return np.minimum(usual, seen), np.minimum(usual, seen + _WAY * ways)


def moved(boxes: np.ndarray, velocity: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Boxes (m, 4) so many frames (m,) later, by velocities (m, 2) in px a frame."""
    steps = (1 - _DECAY**age) / (1 - _DECAY)
    way = velocity * steps[:, None]
    return boxes + np.concatenate([way, way], 1)


def new_velocity(
    before: np.ndarray,
    boxes: np.ndarray,
    velocity: np.ndarray,
    usual: np.ndarray,
    age: np.ndarray,
    first: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Velocities (k, 2) and usual sizes (k,) after tracks were seen again.

    Args:
        before, boxes (np.ndarray): (k, 4) the last box and the new one.
        velocity (np.ndarray): (k, 2) so far.
        usual (np.ndarray): (k,) sizes so far.
        age (np.ndarray): (k,) frames between the two boxes.
        first (np.ndarray): (k,) bool, tracks that had been seen once only.
    """
    latest = (centres(boxes) - centres(before)) / age[:, None]
    share = np.where(first, 1.0, _MOMENTUM)[:, None]
    ratio = sizes(boxes) / usual
    sudden = (ratio > _SUDDEN) | (ratio < 1 / _SUDDEN)
    share = np.where(sudden[:, None], 0.0, share)
    return velocity + share * (latest - velocity), usual * ratio**_SIZE_MOMENTUM
