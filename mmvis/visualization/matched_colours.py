"""Predicted tracks take the colours of the objects that they follow."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..structures.track_iou import frame_intersections, track_areas
from .colours import id_colour
from .video_tracks import DrawnTrack

# From this IoU, or with this share of its own pixels, a track is taken to be on an
# object. The second is for a track that is right in a few frames of many.
_LEAST_IOU = 0.1
_LEAST_SHARE = 0.5
# Their colours differ from each other; see colours.py.
_DISTINCT_IDS = range(1, 51)


def colour_by_objects(
    predicted: Sequence[DrawnTrack], truth: Sequence[DrawnTrack]
) -> list[DrawnTrack]:
    """Give each predicted track of a video the colour of the object it matches best.

    Pairs are made one to one, by falling mask IoU over the whole video; the category
    does not count. Only pairs with an IoU of at least 0.1 count, or with at least half
    of the track's pixels on the object. A track without an object gets the colour that
    differs most from those in use: an object's second track does not look like its
    first.

    Args:
        predicted (Sequence[DrawnTrack]): Tracks of one video.
        truth (Sequence[DrawnTrack]): Its objects.

    Returns:
        list[DrawnTrack]: Copies of ``predicted``, in the same order, with
        ``colour_id`` set.
    """
    matches = _matches(predicted, truth)
    used = [track.colour for track in truth]
    coloured = []
    for position, track in enumerate(predicted):
        if position in matches:
            colour_id = truth[matches[position]].colour
        else:
            colour_id = _most_different(used)
            used.append(colour_id)
        coloured.append(replace(track, colour_id=colour_id))
    return coloured


def _matches(
    predicted: Sequence[DrawnTrack], truth: Sequence[DrawnTrack]
) -> dict[int, int]:
    """Position of a track -> position of its object."""
    ious, shares = _overlaps(predicted, truth)
    on_object = (ious >= _LEAST_IOU) | (shares >= _LEAST_SHARE)
    ious = np.where(on_object, ious, 0.0)
    matches: dict[int, int] = {}
    for pair in np.argsort(-ious, axis=None, kind='stable'):
        track, target = (int(i) for i in np.unravel_index(pair, ious.shape))
        if ious[track, target] <= 0:
            break
        if track not in matches and target not in matches.values():
            matches[track] = target
    return matches


def _overlaps(
    predicted: Sequence[DrawnTrack], truth: Sequence[DrawnTrack]
) -> tuple[np.ndarray, np.ndarray]:
    """(P, G) IoU over the video, and share of each track's pixels on each object.

    Zeros for masks of several sizes, which no frame can be drawn with: that is for the
    drawing to say.
    """
    tracks, objects = ([t.segmentations for t in side] for side in (predicted, truth))
    frames = max((len(s) for s in [*tracks, *objects]), default=0)
    tracks, objects = (
        [[*s, *[None] * (frames - len(s))] for s in side] for side in (tracks, objects)
    )
    sizes = {tuple(r['size']) for s in [*tracks, *objects] for r in s if r is not None}
    if len(sizes) > 1 or not tracks or not objects:
        nothing = np.zeros((len(tracks), len(objects)))
        return nothing, nothing
    areas = [track_areas(side, frames) for side in (tracks, objects)]
    shared = frame_intersections(tracks, objects, *areas).sum(axis=0)
    own, other = (of.sum(axis=1) for of in areas)
    unions = own[:, None] + other - shared
    return shared / np.maximum(unions, 1), shared / np.maximum(own, 1)[:, None]


def _most_different(used: Sequence[int]) -> int:
    """The id, of those with distinct colours, whose colour is furthest from ``used``.

    Distance is that of CIELAB, about what an eye sees.
    """
    taken, free = _lab(used), _lab(_DISTINCT_IDS)
    if not len(taken):
        return _DISTINCT_IDS[0]
    distances = np.linalg.norm(free[:, None] - taken, axis=2).min(axis=1)
    return _DISTINCT_IDS[int(distances.argmax())]


def _lab(ids: Sequence[int]) -> np.ndarray:
    """(n, 3) float32 L, a, b of the colours of ids."""
    colours = np.array([id_colour(i) for i in ids], np.float32).reshape(1, -1, 3)
    if not colours.size:
        return np.zeros((0, 3), np.float32)
    return cv2.cvtColor(colours / 255, cv2.COLOR_BGR2LAB)[0]
