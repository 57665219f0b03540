"""Frames to a network's input: resized, normalised, padded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np


@dataclass(frozen=True)
class Geometry:
    """Sizes of a frame on its way, (height, width) in pixels each.

    Attributes:
        original: Of the frame.
        content: Of the resized frame.
        padded: Of the input.
    """

    original: tuple[int, int]
    content: tuple[int, int]
    padded: tuple[int, int]


class Preparation:
    """What a config's test pipeline and data preprocessor do, without torch.

    Args:
        settings (dict): ``scale`` (width, height) and ``keep_ratio`` of the Resize, or
            no scale; ``mean``, ``std``, ``to_rgb``; ``divisor`` of the padded size.
        size (tuple[int, int] | None): (height, width) that frames are made to fit in
            and padded to, of an export of a fixed size; None: what the config says.
    """

    def __init__(self, settings: dict[str, Any], size: Any = None) -> None:
        self._scale = settings['scale']
        self._keep_ratio = settings['keep_ratio']
        self._to_rgb = settings['to_rgb']
        self._divisor = settings['divisor']
        self._mean = np.array(settings['mean'], np.float32)
        self._std = np.array(settings['std'], np.float32)
        self._size = None if size is None else tuple(size)

    def geometry(self, original: tuple[int, int]) -> Geometry:
        """Which sizes a frame (height, width) takes on its way."""
        content = self._content(original)
        padded = content if self._size is None else self._size
        rows, columns = (-(-side // self._divisor) * self._divisor for side in padded)
        return Geometry(original, content, (rows, columns))

    def as_configured(self, original: tuple[int, int]) -> Geometry:
        """As :meth:`geometry`, by the config alone: what PyTorch would have."""
        return Preparation._of_config(self).geometry(original)

    def _of_config(self) -> Preparation:
        free = Preparation.__new__(Preparation)
        free.__dict__.update(self.__dict__, _size=None)
        return free

    def _content(self, original: tuple[int, int]) -> tuple[int, int]:
        height, width = original
        if self._size is not None:
            if not self._keep_ratio:
                return self._size
            factor = min(self._size[0] / height, self._size[1] / width)
        elif self._scale is None:
            return original
        elif not self._keep_ratio:
            return self._scale[1], self._scale[0]
        else:
            factor = min(
                max(self._scale) / max(original), min(self._scale) / min(original)
            )
        return int(height * factor + 0.5), int(width * factor + 0.5)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, Geometry]:
        """The input (1, 3, H, W) float32 of a frame (h, w, 3) uint8 BGR."""
        height, width = image.shape[:2]
        sizes = self.geometry((height, width))
        if sizes.content != sizes.original:
            image = cv2.resize(
                image, sizes.content[::-1], interpolation=cv2.INTER_LINEAR
            )
        if self._to_rgb:
            image = image[..., ::-1]
        frame = np.zeros((1, 3, *sizes.padded), np.float32)
        inside = frame[0, :, : sizes.content[0], : sizes.content[1]]
        inside[:] = ((image - self._mean) / self._std).transpose(2, 0, 1)
        return frame, sizes
