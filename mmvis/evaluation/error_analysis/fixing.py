"""What matching would give if some errors had not been made.

Nothing is drawn or encoded again: a repaired track is a row of the IoU matrix.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..vis_eval import MatchedTracks, match_tracks
from .kinds import TrackError
from .overlaps import VideoOverlaps


@dataclass(frozen=True)
class Repair:
    """Changes to one video.

    Attributes:
        removed: tracks that are taken away.
        added: (object, score) of tracks that find the object, and overlap with no
            other.
        dropped: objects that need not be found any more.
    """

    removed: frozenset[int] = frozenset()
    added: tuple[tuple[int, float], ...] = ()
    dropped: frozenset[int] = frozenset()


def claims_of(errors: Iterable[TrackError]) -> dict[int, TrackError]:
    """For each object that errors claim, the error of highest score that gets it."""
    holders: dict[int, TrackError] = {}
    for error in errors:
        for gt in error.claims:
            if gt not in holders or error.score > holders[gt].score:
                holders[gt] = error
    return holders


def repair_of(errors: Iterable[TrackError]) -> Repair:
    """How these errors of a video are fixed together.

    Wrong tracks go. For each object that they claim, the best of them comes back and
    finds it: repaired in the part that their kind names, they reach the threshold, or
    they would not claim it. Missed objects are dropped.
    """
    errors = list(errors)
    added = [(gt, error.score) for gt, error in claims_of(errors).items()]
    return Repair(
        removed=frozenset(
            e.detection for e in errors if e.detection is not None and e.false_positive
        ),
        added=tuple(added),
        dropped=frozenset(
            e.target for e in errors if e.detection is None and e.target is not None
        ),
    )


def matched_after(
    overlaps: VideoOverlaps, repair: Repair = Repair()
) -> dict[int, MatchedTracks]:
    """Matched tracks of each category (by position) that the video has, all sizes."""
    stays: np.ndarray = np.ones(len(overlaps.detections), dtype=bool)
    stays[list(repair.removed)] = False
    counts = np.ones(len(overlaps.objects), dtype=bool)
    counts[list(repair.dropped)] = False
    added = np.array([gt for gt, _ in repair.added], dtype=int)
    scores = np.append(overlaps.scores, [score for _, score in repair.added])
    rows = np.zeros((len(added), len(overlaps.objects)))
    rows[np.arange(len(added)), added] = 1.0
    ious = np.concatenate([overlaps.ious, rows])
    labels = np.append(overlaps.labels, overlaps.object_labels[added])
    stays = np.append(stays, np.ones(len(added), dtype=bool))

    matched = {}
    for label in np.union1d(labels, overlaps.object_labels).astype(int).tolist():
        dets = np.flatnonzero(stays & (labels == label))
        dets = dets[np.argsort(-scores[dets], kind='stable')]
        gts = np.flatnonzero(counts & (overlaps.object_labels == label))
        crowd = overlaps.crowd[gts]
        hits, to_ignored = match_tracks(ious[np.ix_(dets, gts)], crowd, crowd)
        matched[label] = MatchedTracks(
            scores=scores[dets],
            matched=hits[None],
            ignored=to_ignored[None],
            positives=np.array([(~crowd).sum()]),
        )
    return matched
