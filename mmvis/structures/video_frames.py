"""What the frames of a video have to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def check_frames(
    images: Sequence[np.ndarray], first: int, size: tuple[int, int] | None
) -> tuple[int, int]:
    """Height and width of the next frames of a video.

    Args:
        images: At least one, each (h, w, 3) uint8 BGR.
        first: Number of the first one.
        size: Height and width of the frames before; None: there are none.

    Raises:
        ValueError: An image is something else, or of another size.
    """
    for index, image in enumerate(images, start=first):
        if (
            not isinstance(image, np.ndarray)
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[2] != 3
            or not image.size
        ):
            raise ValueError(
                f'Frame {index} is '
                f'{getattr(image, "dtype", type(image).__name__)} of shape '
                f'{getattr(image, "shape", None)}, not a (h, w, 3) uint8 BGR image.'
            )
        size = size or image.shape[:2]
        if image.shape[:2] != size:
            raise ValueError(
                f'Frame {index} is {image.shape[1]} x {image.shape[0]} px (width x '
                f'height), the frames before it are {size[1]} x {size[0]}: a '
                'video has one size (reset() of a session begins another).'
            )
    assert size is not None  # there is an image
    return size
