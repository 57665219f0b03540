"""What all sessions have in common: one video, whose frames come in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.video_frames import check_frames


class FrameSession:
    """The state of one video: frames in, tracked instances out.

    A subclass says what a state is and what the next frames show.

    Args:
        class_names (tuple[str] | None): Names by label.
    """

    def __init__(self, class_names: tuple[str, ...] | None = None) -> None:
        self._class_names = class_names
        self.reset()

    def _new_state(self) -> Any:
        """What is remembered of a video that is about to begin."""
        raise NotImplementedError

    def _predict(
        self, images: Sequence[np.ndarray], size: tuple[int, int]
    ) -> list[FrameResult]:
        """The instances of checked frames, of which ``num_frames`` is the first."""
        raise NotImplementedError

    @property
    def num_frames(self) -> int:
        """Number of the next frame."""
        return self._next

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """Height and width of the video's frames; None before the first."""
        return self._size

    def reset(self) -> None:
        """Begin a new video."""
        self._state = self._new_state()
        self._next = 0
        self._size: tuple[int, int] | None = None

    def skip(self, num_frames: int = 1) -> None:
        """Leave out frames that cannot be read; time goes on for the tracks."""
        self._next += num_frames

    def step(self, image: np.ndarray) -> FrameResult:
        """The tracked instances of the next frame, (h, w, 3) uint8 BGR."""
        return self.steps([image])[0]

    def steps(self, images: Sequence[np.ndarray]) -> list[FrameResult]:
        """The tracked instances of the next frames.

        What comes out is the same however a video is cut into calls.

        Args:
            images (Sequence[np.ndarray]): (h, w, 3) uint8 BGR, all of one size.

        Raises:
            ValueError: An image is something else, or of another size than the first
                one of the video. The session stays as it was.
        """
        if not len(images):
            return []
        size = check_frames(images, self._next, self._size)
        results = self._predict(images, size)
        self._size = size
        self._next += len(images)
        return results
