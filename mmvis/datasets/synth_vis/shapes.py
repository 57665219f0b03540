"""Outlines as radial functions r(theta, t), in whole numbers.

Every thing in a scene is the set of points whose distance from its centre is at most
r(theta, t): a template of its shape times a few slow waves that deform it.
"""

from dataclasses import dataclass

import numpy as np

from .fixed_point import ONE, PIXEL, TURN, Stream, angle_of, cosine, sine

UNIT = 4096
"""A template's radius 1."""


@dataclass(frozen=True)
class Category:
    """A category: what is drawn, and the id that the annotation file uses."""

    id: int
    name: str
    shape: str
    texture: str
    hues: tuple[str, ...]


_WARM = ('red', 'orange', 'yellow')
_GREEN = ('yellow', 'green', 'mint')
_BLUE = ('mint', 'teal', 'blue')
_PINK = ('violet', 'pink', 'red')

# Shape and texture together make a category: discs and squares share the stripes, the
# stars differ in their arms only. The colour narrows it down to a pair of categories
# or two, as in nature, but never to one. The ids have gaps on purpose, as custom data
# has.
CATEGORIES = (
    Category(1, 'plain_disc', 'disc', 'plain', _WARM),
    Category(3, 'striped_disc', 'disc', 'stripes', _WARM),
    Category(4, 'striped_square', 'square', 'stripes', _GREEN),
    Category(7, 'checked_square', 'square', 'checks', _GREEN),
    Category(9, 'four_star', 'four_star', 'plain', _BLUE),
    Category(12, 'six_star', 'six_star', 'plain', _BLUE),
    Category(15, 'spotted_triangle', 'triangle', 'spots', _PINK),
    Category(20, 'ringed_clover', 'clover', 'rings', _PINK),
)
"""The categories: shape and texture together tell them apart."""

# Those that a small network tells apart within minutes: of each colour's pair one, so
# that neither stripes from checks nor four arms from six have to be told. What is left
# to a benchmark of masks and tracks is what detection leaves.
DISTINCT_CATEGORIES = tuple(
    category for category in CATEGORIES if category.id in (1, 7, 9, 20)
)


def _polygon(sides: int, inner: int) -> np.ndarray:
    """A regular polygon around a circle of radius ``inner``."""
    theta = np.arange(TURN)
    sector = (theta * sides) % TURN  # TURN to a side
    return inner * ONE // cosine((sector - TURN // 2) // sides)


def _star(arms: int, inner: int, outer: int) -> np.ndarray:
    """A star whose arms are straight in polar coordinates, thus slightly hollow."""
    phase = (np.arange(TURN) * arms) % TURN
    tip = np.abs(2 * phase - TURN)  # TURN at a tip, 0 between two
    return inner + (outer - inner) * tip // TURN


def _clover(leaves: int) -> np.ndarray:
    return 3700 + 900 * cosine(np.arange(TURN) * leaves) // ONE


# Radii are chosen so that all shapes of one size have about the area of the disc.
TEMPLATES = {
    'disc': np.full(TURN, 3900, dtype=np.int32),
    'square': _polygon(4, 3450).astype(np.int32),
    'triangle': _polygon(3, 3000).astype(np.int32),
    'four_star': _star(4, 1800, 6000).astype(np.int32),
    'six_star': _star(6, 2500, 5300).astype(np.int32),
    'clover': _clover(4).astype(np.int32),
}


def post_template(half_width: int, half_length: int) -> np.ndarray:
    """A bar of the given half sizes, in units of ``UNIT``; (TURN,) int32."""
    theta = np.arange(TURN)
    across = np.maximum(np.abs(cosine(theta)), 1).astype(np.int64)
    along = np.maximum(np.abs(sine(theta)), 1).astype(np.int64)
    radius = np.minimum(half_width * ONE // across, half_length * ONE // along)
    return radius.astype(np.int32)


def boulder_template(stream: Stream) -> np.ndarray:
    """A random lump; (TURN,) int32."""
    theta = np.arange(TURN)
    radius = np.full(TURN, UNIT, dtype=np.int64)
    for waves in (2, 3, 5, 7):
        swing = stream.between(100, 900 // waves + 100)
        radius += swing * sine(waves * theta + stream.below(TURN)) // ONE
    return radius.astype(np.int32)


@dataclass(frozen=True)
class Deformation:
    """Waves that run around an outline: (number, amplitude / UNIT, phase, speed)."""

    waves: tuple[tuple[int, int, int, int], ...] = ()

    @classmethod
    def random(cls, stream: Stream, strength: int) -> 'Deformation':
        """Two waves of at most ``strength`` / UNIT of the radius."""
        return cls(
            tuple(
                (
                    number,
                    stream.between(strength // 3, strength),
                    stream.below(TURN),
                    stream.sign() * stream.between(2, 9),
                )
                for number in (2, 3)
            )
        )


def outline(
    template: np.ndarray, deformation: Deformation, radius: int, tick: int
) -> np.ndarray:
    """r(theta) at one time; (TURN,) int32 in units of 1 / PIXEL of a pixel."""
    wave = np.full(TURN, UNIT, dtype=np.int32)
    theta = np.arange(TURN)
    for number, amplitude, phase, speed in deformation.waves:
        wave += amplitude * sine(number * theta + phase + speed * tick) // ONE
    return ((template * wave) // UNIT * np.int64(radius) // UNIT).astype(np.int32)


@dataclass(frozen=True)
class Cover:
    """The pixels that one thing covers in S samples of a frame.

    Attributes:
        rows, columns: The window of the frame that holds them all.
        inside: (S, h, w) bool over the window.
        u, v: (S, h, w) int32, coordinates in the thing's own frame (1 / PIXEL pixel).
        squared_radius: (S, h, w) int32, r(theta)^2 in each pixel's direction.
    """

    rows: slice
    columns: slice
    inside: np.ndarray
    u: np.ndarray
    v: np.ndarray
    squared_radius: np.ndarray


def cover(
    radii: np.ndarray,
    xs: np.ndarray,
    ys: np.ndarray,
    angles: np.ndarray,
    height: int,
    width: int,
) -> Cover | None:
    """Find the pixels whose centres lie within an outline.

    Args:
        radii: (TURN,) int32, r(theta) in 1 / PIXEL of a pixel.
        xs, ys, angles: (S,) int32, centre (1 / PIXEL pixel) and rotation a sample.
        height, width: The frame's size.

    Returns:
        The cover, or None where the window is outside the frame.
    """
    reach = int(radii.max())
    top = max(0, (int(ys.min()) - reach) // PIXEL)
    bottom = min(height, (int(ys.max()) + reach) // PIXEL + 1)
    left = max(0, (int(xs.min()) - reach) // PIXEL)
    right = min(width, (int(xs.max()) + reach) // PIXEL + 1)
    if top >= bottom or left >= right:
        return None
    rows = np.arange(top, bottom, dtype=np.int32) * PIXEL + PIXEL // 2
    columns = np.arange(left, right, dtype=np.int32) * PIXEL + PIXEL // 2
    y = rows[None, :, None] - ys[:, None, None].astype(np.int32)
    x = columns[None, None, :] - xs[:, None, None].astype(np.int32)
    cos, sin = cosine(angles)[:, None, None], sine(angles)[:, None, None]
    u = (x * cos + y * sin) >> 14
    v = (y * cos - x * sin) >> 14
    squared = radii[angle_of(u, v)]
    squared *= squared
    inside = u * u + v * v <= squared
    return Cover(
        slice(top, bottom), slice(left, right), inside, u, v, squared_radius=squared
    )
