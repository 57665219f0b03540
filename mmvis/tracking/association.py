"""Which mask of a frame goes on with which track, by what space and looks allow.

Two rounds, each an assignment of the highest sum (Hungarian method):

1. *Going on.* A mask may go on with a track only near where the track was last seen, or
   where it is expected by its velocity: within a gate that is measured in the object's
   own size and widens with the frames since. Among those the overlap of outlines, the
   nearness and the looks decide. If asked for (``sole``), the only one of its label may
   come from further off.
2. *Coming back.* A track that is lost may return further off, by its looks alone, for
   which these have to be much alike, and no further than an object can have got.

ByteTrack, OC-SORT and BoT-SORT gate by the overlap of boxes, which a small object
leaves in a single frame; Deep SORT by a filter's covariance, which its jitter governs.
MinVIS, CTVIS and other query trackers gate nothing. Here the unit is the object's size.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .masks import Outlines, overlaps
from .motion import centres, extents, moved, sizes, units
from .settings import AssociationSettings
from .sole import sole_pairs
from .track_table import Detections, TrackTable

# Less than any value of a pair that is allowed.
_NEVER = -1e9
# So often seen, a track is as good as any.
_STEADY = 10
# An outline that has this IoU with a track's last may be of it, if another fits better.
_MAYBE = 0.2
# Tracks last seen so many frames from each other were there together.
_TOGETHER = 3


NEW, NONE = -1, -2


def associate(
    dets: Detections, tracks: TrackTable, frame: int, settings: AssociationSettings
) -> np.ndarray:
    """Row of each detection's track, NEW for a new one, NONE for no id.

    Args:
        dets (Detections): n masks; empty ones get NONE.
        tracks (TrackTable): m living tracks.
        frame (int): Number of the frame.
        settings (AssociationSettings): See there.

    Returns:
        np.ndarray: (n,) int64; no row twice.
    """
    chosen = np.full(len(dets.labels), NEW)
    chosen[dets.scores < settings.begin] = NONE
    empty = dets.outlines.areas <= 0
    pairs, going = None, np.full((len(chosen), 0), _NEVER)
    if len(tracks) and len(chosen):
        pairs = _Pairs(dets, tracks, frame, settings)
        going = pairs.going_on()
        going[empty] = _NEVER
    first = _first_finds(dets, going, tracks, settings.twin)
    again = first != np.arange(len(first))
    chosen[again] = NONE
    if pairs is not None:
        _go_on(chosen, going, first)
        _drop_duplicates(chosen, going, dets.outlines, settings.duplicate)
        back = pairs.coming_back()
        back[(chosen != NEW) | empty] = _NEVER
        back[:, chosen[chosen >= 0]] = _NEVER
        _close_ambiguous(back, settings.comeback_margin)
        rows, columns = _assign(back)
        chosen[rows] = columns
    chosen[empty] = NONE
    return chosen


class _Pairs:
    """Values (n, m) of all pairs of detections and tracks."""

    def __init__(
        self,
        dets: Detections,
        tracks: TrackTable,
        frame: int,
        settings: AssociationSettings,
    ) -> None:
        self._dets, self._tracks, self._settings = dets, tracks, settings
        age = np.maximum(frame - tracks.seen, 1)
        self._age = age
        expected = moved(tracks.boxes, tracks.velocity, age)
        self._expected = Outlines(expected, tracks.inside)
        here, there = centres(dets.outlines.boxes), centres(tracks.boxes)
        ahead = centres(expected)
        usual = np.maximum(tracks.usual, sizes(tracks.boxes))
        unit, unit_ahead = units(
            usual,
            np.maximum(extents(dets.outlines.boxes)[:, None], extents(tracks.boxes)),
            np.linalg.norm(ahead - there, axis=1),
        )
        way = cdist(here, there)
        # Who returns by looks may be a sliver before and after.
        self._off = way / usual
        self._nearest = np.minimum(cdist(here, ahead) / unit_ahead, way / unit)
        self._same = dets.labels[:, None] == tracks.labels[None]
        self._alike = np.zeros(way.shape)
        self._known = np.zeros(way.shape, bool)
        if dets.looks is not None and tracks.looks.shape[1] == dets.looks.shape[1]:
            self._alike = dets.looks @ tracks.looks.T
            ours, theirs = dets.looks.any(axis=1), tracks.looks.any(axis=1)
            self._known = np.logical_and.outer(ours, theirs)

    def going_on(self) -> np.ndarray:
        """Values of the pairs inside the gate, and of those that nothing rivals."""
        settings = self._settings
        grown = settings.gate + settings.gate_growth * (self._age - 1)
        gate = np.minimum(grown, max(settings.gate_limit, settings.gate))
        sole = sole_pairs(self._dets, self._tracks, self._age, settings)
        near = (self._nearest <= gate) | sole
        rows, columns = np.nonzero(near)
        pairs = rows, columns
        iou, _ = overlaps(self._dets.outlines, self._expected, pairs)
        still, _ = overlaps(self._dets.outlines, self._tracks.outlines, pairs)
        iou = np.maximum(iou, still)
        value = (
            settings.overlap * iou
            + settings.nearness * np.maximum(1 - (self._nearest / gate)[pairs], 0)
            + settings.looks * self._alike[pairs]
        )
        enough = (value > settings.least) | sole[pairs]
        value += settings.label * self._same[pairs]
        value += settings.steady * np.minimum(self._tracks.times / _STEADY, 1)[columns]
        surely = iou >= settings.relabel
        # Of what was out of sight, the place alone says little.
        odd = self._known & (self._age > 1)[None] & (self._alike < settings.unlike)
        allowed = surely | (self._same & ~odd)[pairs]
        values = np.full(near.shape, _NEVER)
        values[pairs] = np.where(allowed & enough, value, _NEVER)
        return values

    def coming_back(self) -> np.ndarray:
        """Values of the pairs that looks alone may join."""
        settings = self._settings
        reach = settings.speed * self._age
        allowed = self._same & self._known & (self._off <= reach)
        allowed &= self._alike >= settings.comeback
        return np.where(allowed, self._alike, _NEVER)


def _assign(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pairs, of those above _NEVER, of the highest sum."""
    # Nothing is lost by leaving a pair out, so values must not be negative here.
    lowest = values[values > _NEVER].min(initial=0.0)
    gain = np.where(values > _NEVER, values - lowest + 1e-6, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    kept = gain[rows, columns] > 0
    return rows[kept], columns[kept]


def _close_ambiguous(values: np.ndarray, margin: float) -> None:
    """Leave out detections whose two best tracks are nearly equal."""
    if margin > 0 and values.shape[1] > 1:
        second, best = np.sort(values, axis=1)[:, -2:].T
        values[best - second < margin] = _NEVER


def _drop_duplicates(
    chosen: np.ndarray, values: np.ndarray, outlines: Outlines, share: float
) -> None:
    """Masks left over that lie on one that got a track they could go on with too."""
    left, got = np.flatnonzero(chosen == NEW), np.flatnonzero(chosen >= 0)
    if not len(left) or not len(got):
        return
    claimed = values[np.ix_(left, chosen[got])] > _NEVER
    i, j = claimed.nonzero()
    _, common = overlaps(outlines, outlines, (left[i], got[j]))
    chosen[left[i[common >= share]]] = NONE


def _first_finds(
    dets: Detections, values: np.ndarray, tracks: TrackTable, least: float
) -> np.ndarray:
    """(n,) row of the best mask of the object that each one is of; most are their own.

    A mask that lies on a better one of its label is of the same object, unless the
    values (n, m) of going on say that they are of two.
    """
    number = len(dets.labels)
    first = np.arange(number)
    if number < 2:
        return first
    order = np.argsort(-dets.scores, kind='stable')  # the best first
    worse, better = np.tril_indices(number, -1)
    same = dets.labels[order[worse]] == dets.labels[order[better]]
    worse, better = worse[same], better[same]
    pairs = order[worse], order[better]
    close = overlaps(dets.outlines, dets.outlines, pairs)[0] >= least
    worse, better = worse[close], better[close]
    pairs = order[worse], order[better]
    close = ~_of_two_tracks(pairs, dets.outlines, values, tracks, least)
    meet = np.eye(number, dtype=bool)
    meet[worse[close], better[close]] = meet[better[close], worse[close]] = True
    for row in np.unique(better[close]):
        under = row + 1 + np.flatnonzero(meet[row + 1 :, row])
        if first[order[row]] == order[row] and meet[np.ix_(under, under)].all():
            mine = order[under]
            first[mine[first[mine] == mine]] = order[row]
    return first


def _of_two_tracks(
    pairs: tuple[np.ndarray, np.ndarray],
    outlines: Outlines,
    values: np.ndarray,
    tracks: TrackTable,
    least: float,
) -> np.ndarray:
    """(k,) bool: each mask of a pair fits best to another of two proven tracks.

    Best is the track that the mask gets if none are joined, where it lies on that one,
    or else the one of the highest value: a neighbour's copy gets what is left.
    Proven are those that were seen often, and last apart or at about one time: copies
    of an object are joined from the first, so that they never get there.
    """
    if not values.size:
        return np.zeros(len(pairs[0]), bool)
    best, fits = values.argmax(1), values.max(1) > _NEVER
    rows, columns = _assign(values)
    near = overlaps(outlines, tracks.outlines, (rows, columns))[0] >= _MAYBE
    best[rows[near]] = columns[near]
    one, other = best[pairs[0]], best[pairs[1]]
    apart = overlaps(tracks.outlines, tracks.outlines, (one, other))[0] < least
    apart |= np.abs(tracks.seen[one] - tracks.seen[other]) <= _TOGETHER
    often = fits & (tracks.times[best] >= _STEADY)
    return (one != other) & often[pairs[0]] & often[pairs[1]] & apart


def _go_on(chosen: np.ndarray, values: np.ndarray, first: np.ndarray) -> None:
    """Assign tracks to objects; of an object's masks the one that fits best gets it."""
    joined = np.full(values.shape, _NEVER)
    np.maximum.at(joined, first, values)
    rows, columns = _assign(joined)
    of_object = np.where(first[:, None] == rows, values[:, columns], -np.inf)
    chosen[rows] = NONE
    chosen[of_object.argmax(0)] = columns
