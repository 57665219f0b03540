"""Pairs that nothing rivals: the only mask of its label, and the only track of it.

What moves by more than its size a frame is a new object in each, unless its velocity is
known; and that it never is, as long as each sighting begins a track. Radar trackers let
a first step be as long as the fastest target's, and take it back where two compete.
"""

from __future__ import annotations

import numpy as np

from .masks import overlaps
from .motion import centres, sizes
from .settings import AssociationSettings
from .track_table import Detections, TrackTable

# One so much larger or smaller is of another object, or of a part.
_ALIKE = 1.5


def sole_pairs(
    dets: Detections,
    tracks: TrackTable,
    age: np.ndarray,
    settings: AssociationSettings,
) -> np.ndarray:
    """Which masks are the next sighting of a track because nothing else can be.

    Args:
        dets (Detections): n masks.
        tracks (TrackTable): m living tracks, lost ones among them.
        age (np.ndarray): (m,) frames since each was seen.
        settings (AssociationSettings): ``sole`` is how far, and ``twin`` which masks
            of a label are of one object.

    Returns:
        np.ndarray: (n, m) bool; copies of a mask are all of a track.
    """
    found = np.zeros((len(dets.labels), len(tracks)), bool)
    if not settings.sole:
        return found
    seen = dets.outlines.areas > 0  # Others get no id.
    for column in np.flatnonzero((age == 1) & (tracks.run == 1)):
        label = tracks.labels[column]
        rows = np.flatnonzero((dets.labels == label) & seen)
        if not len(rows) or np.count_nonzero(tracks.labels == label) > 1:
            continue
        best = rows[dets.scores[rows].argmax()]
        copies = np.full(len(rows), best), rows
        if (overlaps(dets.outlines, dets.outlines, copies)[0] < settings.twin).any():
            continue
        boxes, last = dets.outlines.boxes[rows], tracks.boxes[column : column + 1]
        here, there = sizes(boxes), sizes(last)
        far = np.linalg.norm(centres(boxes) - centres(last), axis=1)
        alike = np.maximum(here / there, there / here) <= _ALIKE
        found[rows, column] = alike & (far <= settings.sole * np.maximum(here, there))
    return found
