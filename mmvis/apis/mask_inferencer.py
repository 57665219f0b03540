"""Tracks of masks that something else has found, in the place of a model's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.tracking import MaskTracker, Outlines, colour_looks

from .detections import Detections, open_detections
from .vis_inferencer import VISInferencer


class MaskInferencer(VISInferencer):
    """Like a VISInferencer, but masks come from a file; torch is not imported.

    Args:
        detections (str | Path | Detections): See ``open_detections``.
        **settings: Of :class:`~mmvis.tracking.MaskTracker`.

    Examples:
        >>> inferencer = MaskInferencer('results.json')
        >>> video = inferencer('video.mp4', out='seen', save=('mp4', 'html'))
    """

    def __init__(self, detections: str | Path | Detections, **settings: Any) -> None:
        MaskTracker(**settings)  # so that mistakes are told at once
        self._settings = settings
        self.model = SimpleNamespace()
        self.use(detections)

    def use(self, detections: str | Path | Detections) -> None:
        """Take other masks from now on; sessions that there are keep theirs."""
        if not isinstance(detections, Detections):
            detections = open_detections(detections)
        found = detections
        self.class_names = found.class_names
        self.category_ids = found.category_ids
        self._new_session = lambda: MaskSession(found, self._settings)


class MaskSession:
    """One video whose masks are known; as a VideoSession.

    Looks are the colours inside the masks.
    """

    def __init__(self, detections: Detections, settings: dict[str, Any]) -> None:
        self._detections = detections
        self._tracker = MaskTracker(detections.class_names, **settings)
        self._size: tuple[int, int] | None = None

    @property
    def num_frames(self) -> int:
        """Number of the next frame."""
        return self._tracker.num_frames

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """Height and width of the frames; None before the first."""
        return self._size

    def reset(self) -> None:
        """Begin the video again."""
        self._tracker.reset()
        self._size = None

    def skip(self, num_frames: int = 1) -> None:
        """Leave out frames that cannot be read."""
        self._tracker.skip(num_frames)

    def step(self, image: np.ndarray) -> FrameResult:
        """The tracked instances of the next frame, (h, w, 3) uint8 BGR."""
        size = (image.shape[0], image.shape[1])
        found = self._detections.of(self._tracker.num_frames, size)
        outlines = Outlines.of_rles(found.rles)
        result = self._tracker.step(
            *(found.rles, found.scores, found.labels),
            looks=colour_looks(image, outlines),
            size=size,
            outlines=outlines,
        )
        self._size = size
        return result

    def steps(self, images: Sequence[np.ndarray]) -> list[FrameResult]:
        """The tracked instances of the next frames."""
        return [self.step(image) for image in images]
