"""Animated images, WebP and APNG, which OpenCV reads the first frame of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from .frames import Frame, FrameSource

_FORMATS = {'.webp': 'WEBP', '.png': 'PNG'}


class AnimatedSource(FrameSource):
    """An animated image file, each of its frames whole, as players show it.

    What is transparent is black. The rate is that of the mean time a frame is shown.
    """

    path: Path

    def __init__(self, path: Path) -> None:
        self.name, self.path = path.stem, path
        with Image.open(path) as image:
            self.length = getattr(image, 'n_frames', 1)
            shown = 0.0
            for index in range(self.length):
                image.seek(index)
                image.load()  # WebP knows how long only then
                shown += image.info.get('duration', 0)
        self.fps = 1000 * self.length / shown if shown > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        with Image.open(self.path) as image:
            for index in range(self.length or 0):
                try:
                    image.seek(index)
                    rgba = np.asarray(image.convert('RGBA'))
                except (OSError, SyntaxError, EOFError) as error:
                    damage = f'Frame {index} of {self.path} cannot be decoded: {error}.'
                    yield Frame(index, None, damage)
                    continue
                colours, alpha = rgba[..., 2::-1], rgba[..., 3:]
                seen = colours * (alpha / np.float32(255))
                yield Frame(index, np.rint(seen).astype(np.uint8))


def is_animated(path: Path) -> bool:
    """Whether an image file has several frames; False for one that is damaged."""
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        return False
    try:
        with Image.open(path, formats=[kind]) as image:
            return getattr(image, 'n_frames', 1) > 1
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
