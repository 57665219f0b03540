"""Masks of a frame that show one object: copies, halves and people who cross.

A detector finds an object twice, or a half of it beside the whole. Each mask by itself
would begin a track, or steal one of a neighbour, and tracks that share an object take
it from each other for as long as they are remembered.
"""

from __future__ import annotations

import numpy as np

from .assignment import NEVER, assign
from .masks import Outlines, overlaps
from .track_table import Detections, TrackTable

# So often seen, a track is as good as any.
STEADY = 10
# An outline that has this IoU with a track's last may be of it, if another fits better;
# and one with this share in common with another, in the same box, is of one object.
_MAYBE = 0.2
# Tracks last seen so many frames from each other were there together.
_TOGETHER = 3


def lie_on(
    first: Outlines,
    second: Outlines,
    pairs: tuple[np.ndarray, np.ndarray],
    share: float,
) -> np.ndarray:
    """Whether pairs of masks lie on each other, as copies and halves of an object do.

    They have that share of the smaller in common. Of an object behind others only
    pieces are seen, which hardly meet if they are a bit off: there a little in common
    is enough if the boxes have an IoU of ``share``.

    Args:
        first, second (Outlines): n and m masks of one frame.
        pairs (tuple[np.ndarray, np.ndarray]): (k,) rows of the one and of the other.
        share (float): In [0, 1]; above 1 none do.

    Returns:
        np.ndarray: (k,) bool.
    """
    _, common = overlaps(first, second, pairs)
    one, other = first.boxes[pairs[0]], second.boxes[pairs[1]]
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    both = np.maximum(sides, 0).prod(1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (one, other)]
    iou = both / np.maximum(areas[0] + areas[1] - both, 1e-9)
    return (common >= share) | ((common >= _MAYBE) & (iou >= share))


def copies_of_chosen(
    left: np.ndarray,
    got: np.ndarray,
    claimed: np.ndarray,
    outlines: Outlines,
    share: float,
) -> np.ndarray:
    """Rows of masks left over that lie on one whose track they could go on with too.

    Args:
        left, got (np.ndarray): (k,) and (l,) rows of masks without and with a track.
        claimed (np.ndarray): (k, l) bool, tracks that those could go on with.
        outlines (Outlines): n masks.
        share (float): As in :func:`lie_on`.
    """
    i, j = claimed.nonzero()
    return left[i[lie_on(outlines, outlines, (left[i], got[j]), share)]]


def copies_of_new(new: np.ndarray, dets: Detections, share: float) -> np.ndarray:
    """Rows, of the ``new`` (k,), of masks that lie on a better new one of their label.

    A better one that lies on several that are apart is two people in one mask: those
    are no copies of it.
    """
    order = new[np.argsort(-dets.scores[new], kind='stable')]
    worse, better = _pairs_of_a_label(order, dets.labels)
    pairs = order[worse], order[better]
    close = lie_on(dets.outlines, dets.outlines, pairs, share)
    first = _first_of_group(len(order), worse[close], better[close])
    return order[first != np.arange(len(order))]


def first_finds(
    dets: Detections, values: np.ndarray, tracks: TrackTable, least: float
) -> np.ndarray:
    """(n,) row of the best mask of the object that each one is of; most are their own.

    A mask that lies on a better one of its label is of the same object, unless the
    values (n, m) of going on say that they are of two.
    """
    order = np.argsort(-dets.scores, kind='stable')  # the best first
    worse, better = _pairs_of_a_label(order, dets.labels)
    pairs = order[worse], order[better]
    close = overlaps(dets.outlines, dets.outlines, pairs)[0] >= least
    worse, better = worse[close], better[close]
    pairs = order[worse], order[better]
    close = ~_of_two_tracks(pairs, dets.outlines, values, tracks, least)
    first = np.arange(len(order))
    first[order] = order[_first_of_group(len(order), worse[close], better[close])]
    return first


def _pairs_of_a_label(
    order: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(k,) and (k,) positions in an order (n,) of all pairs of one label."""
    worse, better = np.tril_indices(len(order), -1)
    same = labels[order[worse]] == labels[order[better]]
    return worse[same], better[same]


def _first_of_group(number: int, worse: np.ndarray, better: np.ndarray) -> np.ndarray:
    """(n,) position of the first of each one's group, for pairs (k,) that are close.

    One is with the first that it is close to, if all that are close to that first are
    close to each other, and that first itself is with none before.
    """
    first = np.arange(number)
    meet = np.eye(number, dtype=bool)
    meet[worse, better] = meet[better, worse] = True
    for row in np.unique(better):
        under = row + 1 + np.flatnonzero(meet[row + 1 :, row])
        if first[row] == row and meet[np.ix_(under, under)].all():
            first[under[first[under] == under]] = row
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
    best, fits = values.argmax(1), values.max(1) > NEVER
    rows, columns = assign(values)
    near = overlaps(outlines, tracks.outlines, (rows, columns))[0] >= _MAYBE
    best[rows[near]] = columns[near]
    one, other = best[pairs[0]], best[pairs[1]]
    apart = overlaps(tracks.outlines, tracks.outlines, (one, other))[0] < least
    apart |= np.abs(tracks.seen[one] - tracks.seen[other]) <= _TOGETHER
    often = fits & (tracks.times[best] >= STEADY)
    return (one != other) & often[pairs[0]] & often[pairs[1]] & apart
