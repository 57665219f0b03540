"""Masks of what moves in a clip, and how tracks on them behave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import cv2
import numpy as np

# Frames that the background is learned from.
_FIRST = 20


def moving(video: str, least: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames (h, w, 3), and the masks (n, h, w) bool of what moves in them."""
    from mmvis.apis import open_source

    background = cv2.createBackgroundSubtractorMOG2(300, 25, True)
    round_, tall = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)), (11, 7)
    for frame in open_source(video):
        if frame.image is None:
            continue
        found = (background.apply(frame.image) > 200).astype(np.uint8)
        if frame.index < _FIRST:
            continue
        found = cv2.morphologyEx(found, cv2.MORPH_OPEN, round_)
        found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones(tall))
        number, parts, about, _ = cv2.connectedComponentsWithStats(found)
        large = [n for n in range(1, number) if about[n, cv2.CC_STAT_AREA] >= least]
        yield frame.image, parts == np.array(large, int).reshape(-1, 1, 1)


class Tracks:
    """Counts of a tracker."""

    def __init__(self) -> None:
        self.masks = self.reported = self.teleports = 0
        self.farthest = 0.0
        self.frames: dict[int, int] = defaultdict(int)
        self._latest: dict[int, tuple] = {}

    def add(self, t: int, masks: np.ndarray, ids: np.ndarray) -> None:
        """Take the ids (n,) of a frame."""
        self.masks += len(ids)
        self.reported += int((ids >= 0).sum())
        for mask, track in zip(masks, ids.tolist(), strict=True):
            if track < 0:
                continue
            x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
            centre = np.array([x + width / 2, y + height / 2])
            size = np.sqrt(width * height)
            if track in self._latest:
                then, before, was = self._latest[track]
                far = float(np.linalg.norm(centre - before))
                if far > max(size, was) * (t - then):
                    self.teleports += 1
                    self.farthest = max(self.farthest, far)
            self._latest[track] = t, centre, size
            self.frames[track] += 1

    def __str__(self) -> str:
        median = np.median(list(self.frames.values())) if self.frames else 0
        return (
            f'{self.masks} masks, {self.reported / max(self.masks, 1):.1%} reported, '
            f'{len(self.frames)} ids of {median:g} frames (median), '
            f'{self.teleports} teleports, the farthest by {self.farthest:.0f} px'
        )
