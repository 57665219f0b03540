"""Which frames a set of videos has."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class FrameIndex:
    """Lengths and key frames of all videos in flat arrays.

    Arrays, not lists: workers that are forked share them, while every look at a list
    writes to its reference counts and so copies its pages.

    Args:
        lengths: frames of each video.
        key_frames: for each video, positions of its possible key frames.
    """

    def __init__(
        self, lengths: Sequence[int], key_frames: Sequence[Sequence[int]]
    ) -> None:
        self.lengths = np.array(lengths, dtype=np.int64)
        counts = np.array([len(frames) for frames in key_frames], dtype=np.int64)
        self.ends = np.cumsum(counts)
        self.flat = np.array([f for fs in key_frames for f in fs], dtype=np.int64)
        self.starts = self.ends - counts

    def key_frames(self, video: int) -> np.ndarray:
        """Positions, (n,) int64, of the possible key frames of a video."""
        return self.flat[self.starts[video] : self.ends[video]]


def key_frames_of(dataset: Any, video: int) -> np.ndarray:
    """Key frames of a video of any set: where the set names none, all of its frames.

    Args:
        dataset: a video set, a wrapper of one, or a set of images (videos of a frame).
        video: index of the video.

    Returns:
        ndarray: (n,) int64 positions.
    """
    if hasattr(dataset, 'get_key_frames'):
        return np.asarray(dataset.get_key_frames(video), dtype=np.int64)
    if hasattr(dataset, 'get_len_per_video'):
        return np.arange(dataset.get_len_per_video(video))
    return np.zeros(1, dtype=np.int64)
