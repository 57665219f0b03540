"""Annotations and results of a video as TrackEval's metrics want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures.rle import rle_area

from .trackeval_package import MATCHED

# An unmatched mask with more than this share inside of a crowd is not looked at.
_INSIDE = 0.5


class SequenceOfClass:
    """The objects and tracks of one category in one video; overlaps computed once.

    Crowds are regions to ignore, as in MOTS and KITTI-MOTS: a mask that is matched with
    no object and has more than half of its pixels in one is left out. They are crowds
    for all categories.

    Args:
        num_frames: of the video.
        objects: G annotations, none of them a crowd.
        tracks: D results, in the order of the file, which decides between equals.
        crowds: annotations of any category.

    Attributes:
        scores (np.ndarray): (D,) of the tracks.
    """

    def __init__(
        self,
        num_frames: int,
        objects: Sequence[dict],
        tracks: Sequence[dict],
        crowds: Sequence[dict] = (),
    ) -> None:
        self.num_frames = num_frames
        self.scores = np.array([track['score'] for track in tracks], float)
        self._objects: list[np.ndarray] = []
        self._tracks: list[np.ndarray] = []
        self._ious: list[np.ndarray] = []
        self._ignorable: list[np.ndarray] = []
        for frame in range(num_frames):
            here, ours = _shown(objects, frame)
            there, theirs = _shown(tracks, frame)
            _, region = _shown(crowds, frame)
            self._objects.append(here)
            self._tracks.append(there)
            self._ious.append(_overlaps(ours, theirs))
            ignorable: np.ndarray = np.zeros(len(there), bool)
            if region and theirs:
                share = _overlaps(theirs, [mask_utils.merge(region)], of_first=True)
                ignorable = share[:, 0] > _INSIDE + np.finfo(float).eps
            self._ignorable.append(ignorable)

    def __bool__(self) -> bool:
        """Whether there is anything at all."""
        return any(map(len, self._objects)) or any(map(len, self._tracks))

    @property
    def has_objects(self) -> bool:
        """Whether any object shows a pixel."""
        return any(map(len, self._objects))

    def data(self, score: float) -> dict[str, Any]:
        """What TrackEval's ``eval_sequence`` takes, of tracks of this score or more."""
        kept = self.scores >= score
        ids: list[np.ndarray] = []
        ious: list[np.ndarray] = []
        for frame in range(self.num_frames):
            wanted = kept[self._tracks[frame]]
            left, overlaps = self._tracks[frame][wanted], self._ious[frame][:, wanted]
            seen = ~(self._ignorable[frame][wanted] & ~_matched(overlaps))
            ids.append(left[seen])
            ious.append(overlaps[:, seen])
        objects, num_objects = _numbered(self._objects)
        tracks, num_tracks = _numbered(ids)
        return dict(
            num_timesteps=self.num_frames,
            num_gt_ids=num_objects,
            num_tracker_ids=num_tracks,
            num_gt_dets=sum(map(len, objects)),
            num_tracker_dets=sum(map(len, tracks)),
            gt_ids=objects,
            tracker_ids=tracks,
            similarity_scores=ious,
        )


def _shown(tracks: Sequence[dict], frame: int) -> tuple[np.ndarray, list]:
    """Rows of the tracks that have a pixel in a frame, and their masks there."""
    masks = [track['segmentations'][frame] for track in tracks]
    rows = [row for row, mask in enumerate(masks) if mask is not None]
    areas = rle_area([masks[row] for row in rows])
    rows = [row for row, area in zip(rows, areas.tolist(), strict=True) if area]
    return np.array(rows, int), [masks[row] for row in rows]


def _overlaps(first: list, second: list, of_first: bool = False) -> np.ndarray:
    """(n, m) IoU of masks, or which share of each of the first is in the second."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    return mask_utils.iou(first, second, [of_first] * len(second))


def _matched(ious: np.ndarray) -> np.ndarray:
    """Which columns of (g, d) get a row in an assignment of pairs that reach 0.5."""
    from scipy.optimize import linear_sum_assignment

    matched = np.zeros(ious.shape[1], bool)
    value = np.where(ious < MATCHED - np.finfo(float).eps, -10000, ious)
    rows, columns = linear_sum_assignment(-value)
    matched[columns[value[rows, columns] > 0]] = True
    return matched


def _numbered(frames: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Ids of each frame, counted from 0 without a gap, and how many there are."""
    known = np.unique(np.concatenate([*frames, np.zeros(0, int)]))
    return [np.searchsorted(known, ids) for ids in frames], len(known)
