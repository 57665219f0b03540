"""Maps of offsets, heat and classes as colours."""

import cv2
import numpy as np

from .colours import id_colour


def offset_colours(offsets: np.ndarray, longest: float) -> np.ndarray:
    """Offsets as on a colour wheel: the direction is the hue, the length the strength.

    Args:
        offsets (np.ndarray): (2, h, w), x before y. Not finite ones are black.
        longest (float): Length of full strength; longer ones have it, too.

    Returns:
        np.ndarray: (h, w, 3) uint8 BGR. No offset is white; to the right is red, down
        is yellow-green, to the left cyan, up violet.
    """
    finite = np.isfinite(offsets).all(axis=0)
    x, y = np.where(finite, offsets, 0).astype(np.float32)
    hue = np.degrees(np.arctan2(y, x)) % 360
    strength = np.minimum(np.hypot(x, y) / max(longest, 1e-6), 1)
    hsv = np.stack([hue, strength, finite], axis=2).astype(np.float32)
    return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR) * 255).astype(np.uint8)


def colour_wheel(side: int) -> np.ndarray:
    """The key to :func:`offset_colours`: (side, side, 3), a disc on white."""
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    offsets = np.stack(np.meshgrid(axis, axis))
    wheel = offset_colours(offsets, 1.0)
    wheel[np.hypot(*offsets) > 1] = 255
    return wheel


def heat_colours(heatmap: np.ndarray, highest: float = 1.0) -> np.ndarray:
    """(h, w) as (h, w, 3) uint8 BGR: black at 0 and below, white at ``highest``."""
    share = np.clip(np.nan_to_num(heatmap) / highest, 0, 1)
    return cv2.applyColorMap(np.rint(share * 255).astype(np.uint8), cv2.COLORMAP_HOT)


def class_colours(labels: np.ndarray, background: int) -> np.ndarray:
    """(h, w) int classes as (h, w, 3) uint8 BGR; the background is black."""
    palette = np.zeros((background + 1, 3), np.uint8)
    for label in range(background):
        palette[label] = id_colour(label)
    return palette[labels]


def fade_outside(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(h, w, 3) with what is not (h, w) bool ``inside`` in light grey."""
    return np.where(inside[..., None], picture, np.uint8(232))


def draw_arrows(
    picture: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> np.ndarray:
    """A copy of (h, w, 3) with dots, and arrows from them.

    Args:
        picture (np.ndarray): (h, w, 3) uint8 BGR.
        starts (np.ndarray): (m, 2) x, y in pixels of the picture.
        stops (np.ndarray): (m, 2); one that is not finite or near its start gets no
            arrow.
    """
    picture = np.ascontiguousarray(picture).copy()
    for start, stop in zip(starts, stops, strict=True):
        dot = tuple(int(v) for v in np.rint(start))
        if np.isfinite(stop).all() and np.hypot(*(stop - start)) >= 3:
            tip = tuple(int(v) for v in np.rint(stop))
            for colour, thickness in ((255, 4), (0, 2)):
                cv2.arrowedLine(
                    *(picture, dot, tip, (colour,) * 3, thickness, cv2.LINE_AA),
                    tipLength=0.25,
                )
        cv2.circle(picture, dot, 4, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, dot, 3, (0, 0, 0), -1, cv2.LINE_AA)
    return picture
