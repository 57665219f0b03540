"""Integer arithmetic that decides every pixel of SynthVIS.

Floating point trigonometry differs in the last bit between C libraries, and one bit
is enough to move a pixel across an outline. Angles are therefore whole numbers
(``TURN`` to the circle), sines are looked up in a table that is built with Python's
unbounded integers, and random numbers are whole numbers too.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

TURN = 4096
"""Angle units in a full turn."""

ONE = 1 << 14
"""The value that ``sine`` returns at a quarter turn."""

PIXEL = 64
"""Length units in a pixel of the frame."""

_BITS = 96
_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _arctan_of_inverse(n: int) -> int:
    """arctan(1/n) in units of 2**-96, by its power series."""
    term = (1 << _BITS) // n
    total, k = 0, 0
    while term:
        total += (-term if k % 2 else term) // (2 * k + 1)
        term //= n * n
        k += 1
    return total


def _sine_table() -> np.ndarray:
    """round(ONE * sin(2 pi k / TURN)) for k = 0 .. TURN - 1, int32."""
    pi = 4 * (4 * _arctan_of_inverse(5) - _arctan_of_inverse(239))  # Machin
    quarter = TURN // 4
    first = []
    for k in range(quarter + 1):
        x = 2 * pi * k // TURN
        term, total, n = x, 0, 1
        while term:
            total += term
            term = -(term * x * x >> 2 * _BITS) // ((n + 1) * (n + 2))
            n += 2
        first.append((total * ONE + (1 << (_BITS - 1))) >> _BITS)
    half = first + first[-2:0:-1]
    return np.array(half + [-s for s in half], dtype=np.int32)


_SINE = _sine_table()


def _arctan_table() -> np.ndarray:
    """Angle whose tangent is k / 1024, k = 0 .. 1024, to the nearest unit."""
    angles = np.arange(TURN // 8 + 1)
    # The boundary between two units lies half way between them, where the tangent is
    # (sin a + sin(a + 1)) / (cos a + cos(a + 1)).
    low = sine(angles).astype(np.int64) + sine(angles + 1)
    high = cosine(angles).astype(np.int64) + cosine(angles + 1)
    ratios = np.arange(1025, dtype=np.int64)[:, None]
    passed = ratios * high[None, :] >= 1024 * low[None, :]
    return np.minimum(passed.sum(1), TURN // 8).astype(np.int32)


def sine(angle: np.ndarray | int) -> np.ndarray:
    """Sine of whole angles; int32, between -ONE and ONE."""
    return _SINE[np.asarray(angle) & (TURN - 1)]


def cosine(angle: np.ndarray | int) -> np.ndarray:
    """Cosine of whole angles; int32, between -ONE and ONE."""
    return _SINE[(np.asarray(angle) + TURN // 4) & (TURN - 1)]


_ARCTAN = _arctan_table()


def angle_of(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Direction of the vectors (u, v), 0 .. TURN - 1; int32 arrays below 2**20."""
    across, along = np.abs(u), np.abs(v)
    longer = np.maximum(np.maximum(across, along), 1)
    angle = _ARCTAN[(np.minimum(across, along) << 10) // longer]
    angle = np.where(along > across, TURN // 4 - angle, angle)
    angle = np.where(u < 0, TURN // 2 - angle, angle)
    return np.where(v < 0, TURN - angle, angle) & (TURN - 1)


def _mix(z: int) -> int:
    """The output function of splitmix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _WORD
    return z ^ (z >> 31)


class Stream:
    """Whole random numbers that depend on the key alone (splitmix64).

    Args:
        key: Anything with a stable ``repr`` (numbers and strings). Streams with
            different keys are independent, so that a draw more for one part of a
            scene leaves all other parts as they were.
    """

    def __init__(self, *key: Any) -> None:
        self._key = key
        digest = hashlib.sha256(repr(key).encode()).digest()
        self._state = int.from_bytes(digest[:8], 'little')

    def fork(self, *name: Any) -> 'Stream':
        """A stream for one part, independent of what was drawn here before."""
        return Stream(*self._key, *name)

    def below(self, stop: int) -> int:
        """A number from 0 .. stop - 1."""
        self._state = (self._state + _GOLDEN) & _WORD
        return _mix(self._state) * stop >> 64

    def between(self, low: int, high: int) -> int:
        """A number from low .. high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """True in ``percent`` of a hundred draws."""
        return self.below(100) < percent

    def sign(self) -> int:
        """-1 or 1."""
        return 2 * self.below(2) - 1

    def pick(self, items: Sequence) -> Any:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence) -> list:
        """The items in random order (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def grid(self, height: int, width: int) -> np.ndarray:
        """(height, width) int32 of numbers from 0 .. 255."""
        start = (self._state + _GOLDEN) & _WORD
        self._state = (self._state + _GOLDEN * height * width) & _WORD
        count = np.arange(height * width, dtype=np.uint64)
        z = np.uint64(start) + count * np.uint64(_GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        return (z >> np.uint64(56)).astype(np.int32).reshape(height, width)
