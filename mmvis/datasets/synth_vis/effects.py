"""What the camera does to a scene: sub-pixel view, shutter and light."""

import numpy as np

from .fixed_point import ONE, PIXEL, TURN, Stream, sine

# Four points of a rotated grid: the usual pattern against jagged edges.
_GRID = np.array([(-8, -24), (24, -8), (8, 24), (-24, 8)], dtype=np.int32)


def samples(shutter: int) -> tuple[np.ndarray, np.ndarray]:
    """Where and when a frame's samples are taken.

    A frame is the mean of its samples, its masks are those of its middle time alone.

    Args:
        shutter: Ticks for which the shutter is open, 0 for a sharp frame.

    Returns:
        (S, 2) int32 shifts in 1 / PIXEL of a pixel, and (S,) int32 ticks relative to
        the frame's time. S is 4, or 8 with motion blur.
    """
    if not shutter:
        return _GRID, np.zeros(len(_GRID), dtype=np.int32)
    count = 2 * len(_GRID)
    times = (2 * np.arange(count) + 1 - count) * shutter // (2 * count)
    return np.concatenate([_GRID, _GRID[::-1]]), times.astype(np.int32)


def view(canvas: np.ndarray, x: int, y: int, height: int, width: int) -> np.ndarray:
    """The part of a canvas that the camera sees; (height, width, 3) uint8.

    Args:
        canvas: (H, W, 3) uint8, at least a pixel larger than the view at each side.
        x, y: Upper left corner in 1 / PIXEL of a pixel.
    """
    column, fx = divmod(x, PIXEL)
    row, fy = divmod(y, PIXEL)
    part = canvas[row : row + height + 1, column : column + width + 1].astype(np.int32)
    part = part[:-1] * (PIXEL - fy) + part[1:] * fy
    part = part[:, :-1] * (PIXEL - fx) + part[:, 1:] * fx
    return ((part + PIXEL * PIXEL // 2) // (PIXEL * PIXEL)).astype(np.uint8)


def light(length: int, stream: Stream) -> np.ndarray:
    """Brightness of every frame in each of B, G, R; (length, 3) int32, 256 is neutral.

    Half of the videos keep their light; in the others it drifts, swings, or is
    switched once. Slow changes tint the picture a little as well.
    """
    kind = stream.pick(('steady', 'steady', 'steady', 'drift', 'swing', 'switch'))
    at = np.arange(length, dtype=np.int32)
    gain: np.ndarray = np.full(length, 256, dtype=np.int32)
    if kind == 'drift':
        start, stop = stream.shuffled((stream.between(150, 185), 270))
        gain = start + (stop - start) * at // max(length - 1, 1)
    elif kind == 'swing':
        cycles = stream.between(1, 3)
        gain = 228 + 50 * sine(at * TURN * cycles // length) // ONE
    elif kind == 'switch':
        moment = stream.between(length // 4, length * 3 // 4)
        dark = stream.between(135, 170)
        dark_first = stream.chance(50)
        gain = np.where((at < moment) == dark_first, dark, 256)
    tint = np.array([stream.between(-14, 14) for _ in range(3)], dtype=np.int32)
    return gain[:, None] + (256 - gain[:, None]) * tint // 64


def expose(layers: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The mean of a frame's samples under its light; (H, W, 3) uint8.

    Args:
        layers: (S, H, W, 3) uint8.
        gain: (3,) int32.
    """
    total = layers.sum(0, dtype=np.int32)
    count = len(layers)
    mean = (total + count // 2) // count
    return np.minimum(mean * gain >> 8, 255).astype(np.uint8)
