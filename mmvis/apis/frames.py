"""A frame, and what sources of frames have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """A frame of a source.

    Attributes:
        index (int): Its number, from 0; damaged frames are counted.
        image (np.ndarray | None): (h, w, 3) uint8 BGR; None when it is damaged.
        damage (str | None): What is wrong with it, as a sentence.
    """

    index: int  # type: ignore[assignment]  # a tuple's method of this name
    image: np.ndarray | None
    damage: str | None = None


class FrameSource:
    """Frames in their order, with what is known of them.

    Attributes:
        name (str): A short name, good for a file.
        fps (float | None): Frames a second, where there is such a thing.
        length (int | None): Number of frames, where it is known before.
        file_names (list[str] | None): Of the frames, where they are files, relative to
            the folder that holds the source's folder.
        path (Path | None): The video file, where the source is one.
    """

    name = 'video'
    fps: float | None = None
    length: int | None = None
    file_names: list[str] | None = None
    path: Path | None = None

    def __iter__(self) -> Iterator[Frame]:
        raise NotImplementedError

    def time_of(self, index: int) -> float | None:
        """Seconds from the first frame at which one that has come is shown.

        None: frames come at even intervals, or nothing is known of it.
        """
        return None
