"""mp4: the video with its tracks drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.visualization.draw import display_scale, draw_tracks
from mmvis.visualization.video_writer import Mp4Writer

from ..video_result import VideoResult
from .writer import Writer

TimeOf = Callable[[int], float | None]


class FilledVideo:
    """An mp4 in which damaged frames show the one before, so that times stay right.

    Where the first frames are damaged, the first good one stands for them. ``time_of``
    gives the time of a frame by its number, where the rate is not even.
    """

    def __init__(
        self,
        path: Path,
        fps: float,
        time_of: TimeOf | None = None,
    ) -> None:
        self.file = Mp4Writer(path, fps)
        self._time_of = time_of or (lambda index: None)
        self._latest: np.ndarray | None = None
        self._missed = 0

    def write(self, image: np.ndarray) -> None:
        """Append a frame (h, w, 3) uint8 BGR."""
        for _ in range(self._missed + 1):
            self._append(image)
        self._missed, self._latest = 0, image

    def repeat(self) -> None:
        """Append what a damaged frame shows."""
        if self._latest is not None:
            self._append(self._latest)
        else:
            self._missed += 1

    def _append(self, image: np.ndarray) -> None:
        self.file.write(image, self._time_of(self.file.num_frames))


class DrawnVideo(Writer):
    """Draws tracks and writes an mp4."""

    def __init__(
        self,
        path: Path,
        video: VideoResult,
        fps: float,
        time_of: TimeOf | None = None,
    ) -> None:
        super().__init__(path, video)
        self._mp4 = FilledVideo(path, fps, time_of)

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        drawn = draw_tracks(
            image,
            result.rles,
            result.ids,
            result.labels,
            result.scores,
            result.class_names,
            scale=display_scale(image.shape[1]),
        )
        self._mp4.write(drawn)

    def repeat(self) -> None:
        self._mp4.repeat()

    def give_up(self) -> None:
        super().give_up()
        # It does not play, and what it takes is what the others need.
        self.path.unlink(missing_ok=True)

    def close(self) -> Mapping[str, Path]:
        self._mp4.file.close()
        self.video.codec = self._mp4.file.codec
        return {'mp4': self.path} if self._mp4.file.num_frames else {}
