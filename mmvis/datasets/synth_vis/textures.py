"""Colours of things and of backgrounds, in whole numbers. Colours are BGR."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt

import numpy as np

from .fixed_point import PIXEL, TURN, Stream, sine
from .shapes import Category, Cover

_SPAN = 1024  # texture coordinates to one nominal radius
_ROOTS = np.array([isqrt(n) for n in range(4 * _SPAN)], dtype=np.int32)
_HUES = {
    'red': (40, 40, 225),
    'orange': (30, 130, 240),
    'yellow': (30, 215, 235),
    'green': (60, 200, 70),
    'mint': (150, 235, 130),
    'teal': (200, 190, 40),
    'blue': (225, 110, 40),
    'violet': (215, 50, 130),
    'pink': (190, 80, 235),
}


@dataclass(frozen=True)
class Look:
    """What a thing's surface looks like; twins share one.

    Attributes:
        texture: Name of the pattern.
        main, second: Its two colours.
        shift: Phase of the pattern.
    """

    texture: str
    main: tuple[int, int, int]
    second: tuple[int, int, int]
    shift: tuple[int, int] = (0, 0)


def _colour(channels: Iterable[int]) -> tuple[int, int, int]:
    blue, green, red = channels
    return blue, green, red


def object_look(category: Category, stream: Stream) -> Look:
    """A saturated colour with a second one that differs much in brightness."""
    hue = _HUES[stream.pick(category.hues)]
    main = _colour(min(255, max(0, c + stream.between(-22, 22))) for c in hue)
    brightness = (29 * main[0] + 150 * main[1] + 77 * main[2]) >> 8
    low, high = (15, 50) if brightness > 118 else (215, 250)
    second = _colour(stream.between(low, high) for _ in range(3))
    shift = (stream.below(_SPAN), stream.below(_SPAN))
    return Look(category.texture, main, second, shift)


def static_look(stream: Stream) -> Look:
    """Grey or brown, rough, without any category's pattern."""
    grey = stream.between(45, 120)
    main = _colour(grey + shade for shade in stream.pick(((-18, 0, 16), (0, 4, 0))))
    second = _colour(c * 5 // 8 for c in main)
    return Look('rough', main, second, (stream.below(_SPAN), stream.below(_SPAN)))


def _stripes(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (u // 400) & 1


def _checks(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return ((u // 460) + (v // 460)) & 1


def _spots(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    u, v = u % 620 - 310, v % 620 - 310
    return u * u + v * v < 200 * 200


_SPECKLE = Stream('speckle').grid(64, 64)


def paint(look: Look, area: Cover, radius: int) -> np.ndarray:
    """Colours of a thing in its window; (S, h, w, 3) uint8.

    Args:
        look: Its surface.
        area: Where it is.
        radius: Its nominal radius at this time, so that the pattern scales with it.
    """
    u, v = area.u * _SPAN // radius, area.v * _SPAN // radius
    du, dv = look.shift
    if look.texture == 'plain':
        second = np.zeros(u.shape, dtype=bool)
    elif look.texture == 'stripes':
        second = _stripes(u + du, v)
    elif look.texture == 'checks':
        second = _checks(u + du, v + dv)
    elif look.texture == 'spots':
        second = _spots(u + du, v + dv)
    elif look.texture == 'rings':
        squared = np.minimum((u * u + v * v) // _SPAN, len(_ROOTS) - 1)
        second = (_ROOTS[squared] // 9) & 1
    else:
        second = _SPECKLE[((u + du) >> 7) & 63, ((v + dv) >> 7) & 63] > 128
    tones = np.array([look.main, look.second], dtype=np.int32)
    colours = tones[second.astype(np.int8)]
    # A darker rim and light from the upper left give every surface some relief.
    distance = area.u * area.u + area.v * area.v
    rim = distance > (area.squared_radius // 100) * 74
    light = 256 - np.clip((u + v) // 24, -38, 38)
    light = np.where(rim, light * 5 // 8, light)
    return np.clip(colours * light[..., None] >> 8, 0, 255).astype(np.uint8)


def _upsample(grid: np.ndarray, cell: int, height: int, width: int) -> np.ndarray:
    """Smooth interpolation of a lattice with ``cell`` pixels; int32 0 .. 255."""

    def weights(length: int) -> tuple[np.ndarray, np.ndarray]:
        at = np.arange(length)
        fraction = (at % cell) * 256 // cell
        return at // cell, fraction * fraction * (768 - 2 * fraction) >> 16

    (row, fy), (column, fx) = weights(height), weights(width)
    rows = (grid[row] * (256 - fy)[:, None] + grid[row + 1] * fy[:, None]) >> 8
    return (rows[:, column] * (256 - fx) + rows[:, column + 1] * fx) >> 8


def _noise(stream: Stream, cell: int, height: int, width: int) -> np.ndarray:
    cell = max(cell, 1)
    grid = stream.grid(height // cell + 2, width // cell + 2)
    return _upsample(grid, cell, height, width)


def background(stream: Stream, height: int, width: int, unit: int) -> np.ndarray:
    """A muted textured canvas, larger than the frame so that the camera can pan.

    Args:
        stream: Source of randomness.
        height, width: Size of the canvas in pixels.
        unit: 1/96 of the frame's height in 1 / PIXEL of a pixel.

    Returns:
        (height, width, 3) uint8.
    """

    def pixels(units: int) -> int:
        return max(units * unit // PIXEL, 1)

    base = stream.between(75, 150)
    palette = np.array(
        [[base + stream.between(-42, 42) for _ in range(3)] for _ in range(3)],
        dtype=np.int32,
    )
    coarse = _noise(stream, pixels(stream.between(26, 44)), height, width)
    middle = _noise(stream, pixels(stream.between(7, 12)), height, width)
    fine = _noise(stream, pixels(2), height, width)
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    kind = stream.pick(('clouds', 'rows', 'tiles', 'gravel'))
    mix = coarse
    if kind == 'rows':
        period = pixels(stream.between(12, 22))
        tilt = stream.between(-2, 2)
        phase = (2 * y + tilt * x) * (TURN // 2) // period + coarse * 6
        mix = 128 + 100 * sine(phase) // (1 << 14)
    elif kind == 'tiles':
        side = pixels(stream.between(16, 26))
        odd = ((x // side) + (y // side)) & 1
        gap = (x % side < pixels(1)) | (y % side < pixels(1))
        mix = np.where(gap, 20, 90 + 60 * odd + coarse // 4)
    elif kind == 'gravel':
        mix = (coarse + 2 * middle) // 3
    mix = np.clip(mix, 0, 255)[..., None]
    colours = (palette[0] * (255 - mix) + palette[1] * mix) // 255
    patch = np.clip((middle - 150) * 3, 0, 160)[..., None]
    colours = (colours * (256 - patch) + palette[2] * patch) >> 8
    grain = (fine - 128) * (40 if kind == 'gravel' else 22) // 128
    colours = colours + grain[..., None]
    return np.clip(colours, 0, 255).astype(np.uint8)
