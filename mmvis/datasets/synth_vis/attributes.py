"""Attributes of a video, measured from what was rendered."""

from dataclasses import dataclass

import numpy as np

from .fixed_point import PIXEL
from .scene import ATTRIBUTES


@dataclass(frozen=True)
class Measurements:
    """What is known of N objects in T frames; whole numbers throughout.

    Attributes:
        areas: (N, T) visible pixels, 0 where the annotation is null.
        amodal_areas: (N, T) pixels within the frame if nothing were in front.
        boxes: (N, T, 4) x, y, w, h of the visible pixels.
        smears: (N, T) how far the centre moves while the shutter is open, squared,
            in 1 / PIXEL^2 of a square pixel.
        height, width: Frame size.
        min_pixels: The fewest pixels that are annotated.
        twins: Indices of two look-alikes, or None.
    """

    areas: np.ndarray
    amodal_areas: np.ndarray
    boxes: np.ndarray
    smears: np.ndarray
    height: int
    width: int
    min_pixels: int
    twins: tuple[int, int] | None

    @property
    def visible(self) -> np.ndarray:
        """(N, T) bool, the annotation is not null."""
        return self.areas > 0

    @property
    def whole(self) -> np.ndarray:
        """(N, T) bool, nothing is hidden and the frame's border is not touched."""
        x, y, w, h = np.moveaxis(self.boxes, -1, 0)
        within = (x > 0) & (y > 0) & (x + w < self.width) & (y + h < self.height)
        return self.visible & within & (self.areas == self.amodal_areas)


def occluded(m: Measurements) -> bool:
    """In three frames an object loses a third of its area to what is in front of it.

    Frames in which next to nothing of the object is within the frame do not count.
    """
    counts = m.amodal_areas >= 4 * m.min_pixels
    hidden = counts & (3 * (m.amodal_areas - m.areas) >= m.amodal_areas)
    return bool((hidden.sum(1) >= 3).any())


def blurred(m: Measurements) -> bool:
    """In three frames an object smears over a fifth of its size, sqrt(area)."""
    smeared = m.visible & (25 * m.smears >= m.areas * PIXEL**2) & (m.smears > 0)
    return bool((smeared.sum(1) >= 3).any())


def twinned(m: Measurements) -> bool:
    """The boxes of two look-alikes overlap in some frame."""
    if m.twins is None:
        return False
    (x, y, w, h), (x2, y2, w2, h2) = (m.boxes[i].T for i in m.twins)
    apart = (x + w <= x2) | (x2 + w2 <= x) | (y + h <= y2) | (y2 + h2 <= y)
    return bool((m.visible[m.twins[0]] & m.visible[m.twins[1]] & ~apart).any())


def fast(m: Measurements) -> bool:
    """Three times a whole object's box centre moves sqrt(area) / 2 in a frame."""
    doubled = 2 * m.boxes[..., :2] + m.boxes[..., 2:]
    squared = ((doubled[:, 1:] - doubled[:, :-1]) ** 2).sum(-1)
    counts = m.whole[:, 1:] & m.whole[:, :-1]
    quick = counts & (squared >= m.areas[:, :-1])
    return bool((quick.sum(1) >= 3).any())


def reentered(m: Measurements) -> bool:
    """An object is null in a frame between two frames in which it is not."""
    seen_before = np.maximum.accumulate(m.visible, axis=1)
    seen_after = np.maximum.accumulate(m.visible[:, ::-1], axis=1)[:, ::-1]
    return bool((seen_before & seen_after & ~m.visible).any())


def scaled(m: Measurements) -> bool:
    """The area of an object doubles between two frames in which it is whole."""
    largest = np.where(m.whole, m.areas, 0).max(1)
    smallest = np.where(m.whole, m.areas, m.height * m.width).min(1)
    return bool((m.whole.any(1) & (largest >= 2 * smallest)).any())


def small(m: Measurements) -> bool:
    """An object's mean visible area is below 1/80 of the frame, as in AP_s."""
    frames = m.visible.sum(1)
    return bool((80 * m.areas.sum(1) < frames * m.height * m.width).any())


_TESTS = {
    'occlusion': occluded,
    'blur': blurred,
    'twins': twinned,
    'fast': fast,
    'reenter': reentered,
    'scale': scaled,
    'small': small,
}


def measure_attributes(measurements: Measurements) -> list[str]:
    """Names of all attributes that a video has, in the order of ``ATTRIBUTES``."""
    return [name for name in ATTRIBUTES if _TESTS[name](measurements)]
