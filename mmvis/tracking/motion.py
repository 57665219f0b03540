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


def centres(boxes: np.ndarray) -> np.ndarray:
    """(n, 2) px of boxes (n, 4)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sizes(boxes: np.ndarray) -> np.ndarray:
    """(n,) px: the side of a square of a box's area, at least 1."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.sqrt(np.maximum(sides.prod(1), 1.0))


def moved(boxes: np.ndarray, velocity: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Boxes (m, 4) so many frames (m,) later, by velocities (m, 2) in px a frame."""
    steps = (1 - _DECAY**age) / (1 - _DECAY)
    return boxes + np.tile(velocity * steps[:, None], 2)


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
