"""What writers of all kinds have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from mmvis.structures.frame_result import FrameResult

from ..video_result import VideoResult


class Writer:
    """Takes the frames of a video in order and writes files of one kind.

    Args:
        path (Path): The file or folder.
        video (VideoResult): Has all frames when the writer is closed.
    """

    def __init__(self, path: Path, video: VideoResult) -> None:
        self.path, self.video = path, video

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        """Take the next frame (h, w, 3) uint8 BGR and what is shown of it."""

    def repeat(self) -> None:
        """A damaged frame came: the one before stands for it."""

    def close(self) -> Mapping[str, Path]:
        """Finish with the frames so far; the files that there are, by kind."""
        return {}

    def give_up(self) -> None:
        """The file cannot be written: let go of it, without an error."""
        with suppress(Exception):
            self.close()


class ChosenTracks(Writer):
    """A writer of what is at least so sure, and of these classes.

    Args:
        path (Path): The file or folder.
        video (VideoResult): Has all frames when the writer is closed.
        score (float): Lowest score.
        labels (Sequence[int] | None): Classes; None: all.
    """

    def __init__(
        self,
        path: Path,
        video: VideoResult,
        score: float,
        labels: Sequence[int] | None,
    ) -> None:
        super().__init__(path, video)
        self._score, self._labels = score, labels
