"""What is remembered of a video: one row of arrays for each living track."""

from __future__ import annotations

import numpy as np


class TrackMemory:
    """The latest observation of every living track.

    Args:
        num_frames_retain (int | None): A track not seen for so many frames is
            forgotten; None: never.

    Attributes:
        ids, last_seen (ndarray): (m,) int64, ids ascending.
        fields (dict[str, ndarray]): (m, ...) each, in the order of the ids.
        next_id (int): Of the next new track.
    """

    def __init__(self, num_frames_retain: int | None) -> None:
        self.num_frames_retain = num_frames_retain
        self.ids = np.zeros(0, np.int64)
        self.last_seen = np.zeros(0, np.int64)
        self.fields: dict[str, np.ndarray] = {}
        self.next_id = 0

    def __len__(self) -> int:
        return len(self.ids)

    def expired(self, age: np.ndarray) -> np.ndarray:
        """Which tracks (m,) bool are too long unseen, by the frames since then (m,)."""
        if self.num_frames_retain is None:
            return np.zeros(len(age), bool)
        return age > self.num_frames_retain
