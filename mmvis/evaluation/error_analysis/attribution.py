"""To which kind of error each wrong track and each missed object belongs.

TIDE's decisions (Bolya et al., ECCV 2020) carried over to tracks. docs/en/
error_analysis.md has the formulas and says where tracks need other ones than boxes.
"""

import numpy as np

from ..vis_eval import IOU_THRESHOLDS, assign_tracks
from .kinds import (
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    DUPLICATE,
    EXTENT,
    MERGE,
    MISSED,
    SPATIAL,
    SPATIAL_AND_TEMPORAL,
    SPLIT,
    SWITCH,
    TrackError,
)
from .overlaps import BACKGROUND_IOU, VideoOverlaps

# A second object belongs to a track from this share of the track's frames on.
SECOND_OBJECT_SHARE = 0.2


def assigned_objects(overlaps: VideoOverlaps, level: int) -> np.ndarray:
    """(D,) int64: the object that each track takes at one threshold, -1 if none."""
    assigned = np.full(len(overlaps.detections), -1)
    for label in np.unique(overlaps.labels):
        rows = np.flatnonzero(overlaps.labels == label)
        columns = np.flatnonzero(overlaps.object_labels == label)
        crowd = overlaps.crowd[columns]
        taken = assign_tracks(overlaps.ious[np.ix_(rows, columns)], crowd, crowd)
        # A last entry for -1, none.
        assigned[rows] = np.append(columns, -1)[taken[level]]
    return assigned


def attribute_errors(overlaps: VideoOverlaps, level: int) -> list[TrackError]:
    """The errors of one video, those of tracks first, in their order.

    Args:
        overlaps: of the video.
        level: position of the IoU threshold in ``IOU_THRESHOLDS``.
    """
    return _VideoAttribution(overlaps, level).errors()


class _VideoAttribution:
    def __init__(self, overlaps: VideoOverlaps, level: int) -> None:
        self.overlaps = overlaps
        self.threshold = IOU_THRESHOLDS[level]
        self.assigned = assigned_objects(overlaps, level)
        self.free = ~overlaps.crowd
        self.free[self.assigned[self.assigned >= 0]] = False
        # The track that found an object, -1 where none did.
        self.finder = np.full(len(overlaps.objects), -1)
        found = np.flatnonzero(self.assigned >= 0)
        self.finder[self.assigned[found]] = found
        lengths = overlaps.present.sum(axis=0)[:, None]
        on, at_once = overlaps.frames_on, overlaps.at_once
        near = overlaps.ious >= BACKGROUND_IOU
        share = SECOND_OBJECT_SHARE * lengths
        self.at_once = near & (at_once > 0) & (at_once >= share)
        # A track that overlaps with an object while another is its place only touches.
        near &= (on > 0) | self.at_once
        # A short track that is good while it lasts has a low IoU: it is about the
        # object all the same.
        self.about = near | ((on > 0) & (2 * on >= lengths))
        self.holds = self.at_once | (near & (on > 0) & (on >= share))

    def errors(self) -> list[TrackError]:
        errors = []
        for det, taken in enumerate(self.assigned):
            if taken < 0:
                errors.append(self._wrong_track(det))
            elif not self.overlaps.crowd[taken]:
                errors += self._second_object(det, taken)
        claimed = {gt for error in errors for gt in error.claims}
        errors += [
            TrackError(MISSED, self.overlaps.video['id'], None, False, 0.0, gt)
            for gt in np.flatnonzero(self.free).tolist()
            if gt not in claimed
        ]
        return errors

    def _wrong_track(self, det: int) -> TrackError:
        overlaps = self.overlaps
        ious = overlaps.ious[det]
        same = ~overlaps.crowd & (overlaps.object_labels == overlaps.labels[det])
        other = ~overlaps.crowd & ~same
        if (target := _best(ious, same & (ious >= self.threshold))) is not None:
            # Were it free, the track would have taken it.
            kind = DUPLICATE if self._found_there(det, target) else SPLIT
            return self._error(kind, det, target)
        if (target := _best(ious, other & (ious >= self.threshold))) is not None:
            return self._error(CLASSIFICATION, det, target, [target])
        if (target := _best(ious, same & self.about[det])) is not None:
            return self._partly_right(det, target)
        if (target := _best(ious, other & self.about[det])) is not None:
            return self._error(BOTH, det, target)
        return self._error(BACKGROUND, det, None)

    def _partly_right(self, det: int, target: int) -> TrackError:
        overlaps = self.overlaps
        related = self._other_objects(det, target)
        at_once = self.at_once[det, target] and self.at_once[det, related].any()
        quality = overlaps.mask_quality[det, target]
        association = overlaps.association[det, target]
        if not at_once and quality <= association and association >= self.threshold:
            return self._error(SPATIAL, det, target, [target])
        same = overlaps.object_labels == overlaps.labels[det]
        objects = [target, *(gt for gt in related if same[gt])]
        claims = self._in_right_frames(det, objects)
        if related and claims:
            kind = self._switch_or_merge(det, target, related)
            return self._error(kind, det, target, claims, related)
        if self._found_there(det, target):
            return self._error(DUPLICATE, det, target)
        if not claims:
            return self._error(SPATIAL_AND_TEMPORAL, det, target, objects, related)
        on = overlaps.places[:, det] == target
        # Do others go on with the object where this track is not on it?
        peers = overlaps.labels == overlaps.labels[det]
        peers[det] = False
        lost = overlaps.visible[:, target] & ~on
        taken_up = overlaps.follows[:, peers, target].any(axis=1) & lost
        split = lost.any() and 2 * taken_up.sum() >= lost.sum()
        return self._error(SPLIT if split else EXTENT, det, target, claims)

    def _found_there(self, det: int, target: int) -> bool:
        """Whether the track that found an object follows it where this one is on it."""
        finder = self.finder[target]
        if finder < 0:
            return False
        on = self.overlaps.places[:, det] == target
        followed = on & self.overlaps.follows[:, finder, target]
        return bool(2 * followed.sum() >= on.sum())

    def _in_right_frames(self, det: int, objects: list[int]) -> list[int]:
        """Those that the track would find in all their frames, as well as in some.

        A mask on two objects at once says nothing of how well each of them would be cut
        out: it counts as the object's own.
        """
        quality = self.overlaps.mask_quality[det]
        return [
            gt
            for gt in objects
            if self.at_once[det, gt] or quality[gt] >= self.threshold
        ]

    def _second_object(self, det: int, target: int) -> list[TrackError]:
        """A right track can still be why another object of its category is lost."""
        label = self.overlaps.labels[det]
        related = [
            gt
            for gt in self._other_objects(det, target)
            if self.free[gt] and self.overlaps.object_labels[gt] == label
        ]
        claims = self._in_right_frames(det, related)
        if not claims:
            return []
        kind = self._switch_or_merge(det, target, related)
        return [self._error(kind, det, target, claims, related, wrong=False)]

    def _other_objects(self, det: int, target: int) -> list[int]:
        """Further objects that the track holds, most frames first."""
        held = [gt for gt in np.flatnonzero(self.holds[det]).tolist() if gt != target]
        on = self.overlaps.frames_on[det]
        return sorted(held, key=lambda gt: (-on[gt], gt))

    def _switch_or_merge(self, det: int, target: int, related: list[int]) -> str:
        if self.at_once[det, target] and self.at_once[det, related].any():
            return MERGE
        second = related[0]
        places = self.overlaps.places[:, det]
        on_either = (places == target) | (places == second)
        both = self.overlaps.visible[:, [target, second]].all(axis=1)
        # Who leaves an object that can still be seen has confused it with the other;
        # who is left by it has gone on with a new one.
        switched = 2 * (both & on_either).sum() >= on_either.sum()
        return SWITCH if switched else MERGE

    def _error(
        self,
        kind: str,
        det: int,
        target: int | None,
        claims: list[int] | None = None,
        related: list[int] | None = None,
        wrong: bool = True,
    ) -> TrackError:
        return TrackError(
            kind=kind,
            video_id=self.overlaps.video['id'],
            detection=det,
            false_positive=wrong,
            score=float(self.overlaps.scores[det]),
            target=target,
            claims=tuple(gt for gt in claims or () if self.free[gt]),
            related=tuple(related or ()),
        )


def _best(ious: np.ndarray, among: np.ndarray) -> int | None:
    """The object of highest IoU among some, None if there is none."""
    if not among.any():
        return None
    return int(np.where(among, ious, -1.0).argmax())
