"""One video on its way through an exported model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks
from mmvis.structures.video_frames import check_frames


class RuntimeSession:
    """The state of one video: frames in, tracked instances out.

    As ``VideoSession``, whose methods it has, without torch.

    Args:
        runner: Of ``mmvis.runtime.stmask.RUNNERS``.
        class_names (tuple[str] | None): Names by label.
    """

    def __init__(self, runner: Any, class_names: tuple[str, ...] | None = None) -> None:
        self._runner = runner
        self._class_names = class_names
        self.reset()

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
        self._state = self._runner.init_state()
        self._next = 0
        self._size: tuple[int, int] | None = None

    def skip(self, num_frames: int = 1) -> None:
        """Leave out frames that cannot be read; time goes on for the tracks."""
        self._next += num_frames

    def step(self, image: np.ndarray) -> FrameResult:
        """The tracked instances of the next frame, (h, w, 3) uint8 BGR."""
        return self.steps([image])[0]

    def steps(self, images: Sequence[np.ndarray]) -> list[FrameResult]:
        """The tracked instances of the next frames, (h, w, 3) uint8 BGR, one by one.

        Raises:
            ValueError: An image is something else, or of another size than the first
                one of the video. The session stays as it was.
        """
        if not len(images):
            return []
        self._size = check_frames(images, self._next, self._size)
        return [self._step(image) for image in images]

    def _step(self, image: np.ndarray) -> FrameResult:
        assert self._size is not None
        found = self._runner.predict_frame(image, self._next, self._state)
        rles = encode_masks(found['masks'])
        bboxes = found['bboxes']
        # An instance of which nothing is in the frame is not reported.
        seen = (bboxes[:, 2:] > bboxes[:, :2]).all(1)
        if rles:
            seen &= mask_utils.area(rles) > 0
        rows = np.flatnonzero(seen)
        result = FrameResult(
            frame_id=self._next,
            size=self._size,
            bboxes=bboxes[rows],
            scores=found['scores'][rows],
            labels=found['labels'][rows],
            ids=found['ids'][rows],
            rles=tuple(rles[row] for row in rows),
            class_names=self._class_names,
        )
        self._next += 1
        return result
