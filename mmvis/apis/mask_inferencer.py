"""Tracks of masks that something else has found, in the place of a model's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mmvis.runtime.frame_session import FrameSession
from mmvis.structures.frame_result import FrameResult
from mmvis.tracking import MaskTracker, Outlines, colour_looks

from .detections import Detections, open_detections
from .notices import warn
from .video_result import VideoResult
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
        found = self._found = detections
        self.class_names = found.class_names
        self.category_ids = found.category_ids
        self._new_session = lambda: MaskSession(found, self._settings)

    def __call__(self, *arguments: Any, **keywords: Any) -> VideoResult:
        video = super().__call__(*arguments, **keywords)
        self.tell_misfit(video)
        return video

    def tell_misfit(self, video: VideoResult) -> None:
        """Say where the masks may be of other frames than those of a whole video."""
        misfit = self._found.misfit(video.num_frames)
        if misfit is not None:
            warn(misfit)


class MaskSession(FrameSession):
    """One video whose masks are known.

    Looks are the colours inside the masks.
    """

    def __init__(self, detections: Detections, settings: dict[str, Any]) -> None:
        self._detections, self._settings = detections, settings
        super().__init__(detections.class_names)

    def _new_state(self) -> MaskTracker:
        return MaskTracker(self._class_names, **self._settings)

    def skip(self, num_frames: int = 1) -> None:
        """Leave out frames that cannot be read; time goes on for the tracks."""
        super().skip(num_frames)
        self._state.skip(num_frames)

    def _predict(
        self, images: Sequence[np.ndarray], size: tuple[int, int]
    ) -> list[FrameResult]:
        return [
            self._tracked(image, frame_id, size)
            for frame_id, image in enumerate(images, self._next)
        ]

    def _tracked(
        self, image: np.ndarray, frame_id: int, size: tuple[int, int]
    ) -> FrameResult:
        found = self._detections.of(frame_id, size)
        outlines = Outlines.of_rles(found.rles)
        return self._state.step(
            *(found.rles, found.scores, found.labels),
            looks=colour_looks(image, outlines),
            size=size,
            outlines=outlines,
        )
