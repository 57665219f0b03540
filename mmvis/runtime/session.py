"""One video on its way through an exported model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks, rle_area

from .frame_session import FrameSession


class RuntimeSession(FrameSession):
    """A session without torch, whose frames go through one by one.

    Args:
        runner: Of ``mmvis.runtime.stmask.RUNNERS``.
        class_names (tuple[str] | None): Names by label.
    """

    def __init__(self, runner: Any, class_names: tuple[str, ...] | None = None) -> None:
        self._runner = runner
        super().__init__(class_names)

    def _new_state(self) -> Any:
        return self._runner.init_state()

    def _predict(
        self, images: Sequence[np.ndarray], size: tuple[int, int]
    ) -> list[FrameResult]:
        return [
            self._found(image, frame_id, size)
            for frame_id, image in enumerate(images, self._next)
        ]

    def _found(
        self, image: np.ndarray, frame_id: int, size: tuple[int, int]
    ) -> FrameResult:
        found = self._runner.predict_frame(image, frame_id, self._state)
        rles = encode_masks(found['masks'])
        bboxes = found['bboxes']
        # An instance of which nothing is in the frame is not reported.
        seen = (bboxes[:, 2:] > bboxes[:, :2]).all(1) & (rle_area(rles) > 0)
        rows = np.flatnonzero(seen)
        return FrameResult(
            frame_id=frame_id,
            size=size,
            bboxes=bboxes[rows],
            scores=found['scores'][rows],
            labels=found['labels'][rows],
            ids=found['ids'][rows],
            rles=tuple(rles[row] for row in rows),
            class_names=self._class_names,
        )
