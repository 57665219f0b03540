"""One colour an instance id: the same in every frame, video and run."""

from functools import lru_cache

import cv2
import numpy as np

_GOLDEN = 0.6180339887498949
_FIRST_HUE = 0.55
# Ids with close golden-ratio hues differ by 8, 13, 21 or 34, so a cycle of five levels
# gives them another saturation and value; within a level 32 degrees are the least.
# Found by random search: the first 50 ids are 12 CIELAB units apart, the first ten 30.
_LEVELS = ((0.53, 0.62), (0.67, 0.95), (0.90, 0.68), (0.42, 1.00), (0.85, 0.80))


@lru_cache(maxsize=4096)
def id_colour(instance_id: int) -> tuple[int, int, int]:
    """Colour of an instance: a function of its id alone.

    Args:
        instance_id (int): Any integer, negative ones included.

    Returns:
        tuple[int, int, int]: Blue, green, red, 0..255 (OpenCV's order).
    """
    hue = (_FIRST_HUE + int(instance_id) * _GOLDEN) % 1.0
    saturation, value = _LEVELS[int(instance_id) % len(_LEVELS)]
    hsv = np.array([[[hue * 360.0, saturation, value]]], dtype=np.float32)
    blue, green, red = np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0] * 255)
    return int(blue), int(green), int(red)


def line_colour(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """``colour`` (BGR), half way to white if dark: lines must be seen on shadows."""
    if _luma(colour) > 110:
        return colour
    blue, green, red = ((value + 255) // 2 for value in colour)
    return blue, green, red


def text_colour(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on ``background`` (BGR, 0..255)."""
    linear = (np.array(background) / 255) ** 2.2
    # Where WCAG's contrast with black and with white are equal.
    return (0, 0, 0) if linear @ (0.0722, 0.7152, 0.2126) > 0.18 else (255, 255, 255)


def _luma(colour: tuple[int, int, int]) -> float:
    blue, green, red = colour
    return 0.114 * blue + 0.587 * green + 0.299 * red
