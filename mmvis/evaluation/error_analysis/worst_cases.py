"""The single errors that cost most."""

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from ..vis_eval import GroundTruth, MatchedTracks
from .analysis import ErrorAnalysis
from .fixing import matched_after, repair_of
from .kinds import KINDS, TrackError

# What rounds to nothing in a table is no case to look at.
LEAST_GAIN = 0.0005

OfCategory = dict[Any, dict[tuple, MatchedTracks]]


class WorstCase(NamedTuple):
    """An error and what AP at the threshold gains if nothing else is fixed."""

    gain: float
    error: TrackError


def worst_cases(
    analysis: ErrorAnalysis, per_kind: int, tried: int = 40
) -> dict[str, list[WorstCase]]:
    """For each kind the errors of largest gain, at least :data:`LEAST_GAIN`.

    Args:
        analysis: what the errors are of.
        per_kind: so many at most.
        tried: errors of a kind whose gain is computed: those that claim an object
            first, then by score; missed objects by their pixels.
    """
    of_category: OfCategory = defaultdict(dict)
    for key, tracks in analysis.matched().items():
        of_category[key[1]][key] = tracks
    of_kind = defaultdict(list)
    for errors in analysis.errors:
        for error in errors:
            of_kind[error.kind].append(error)
    worst = {}
    for kind in KINDS:
        ranked = sorted(of_kind[kind], key=lambda e: _urgency(analysis, e))[:tried]
        cases = [WorstCase(_gain(analysis, e, of_category), e) for e in ranked]
        cases = sorted(cases, key=lambda case: -case.gain)[:per_kind]
        worst[kind] = [case for case in cases if case.gain >= LEAST_GAIN]
    return worst


def _urgency(analysis: ErrorAnalysis, error: TrackError) -> tuple:
    if error.detection is not None:
        return not error.claims, -error.score
    areas = analysis.overlaps(error.video_id).objects[error.target]['areas']
    return False, -sum(area or 0 for area in areas)


def _gain(analysis: ErrorAnalysis, error: TrackError, of_category: OfCategory) -> float:
    """Computed on the categories of the track and its objects: no other changes."""
    video = analysis.overlaps(error.video_id)
    places = {*error.claims, error.target} - {None}
    labels = {int(video.object_labels[gt]) for gt in places}
    if error.detection is not None:
        labels.add(int(video.labels[error.detection]))
    repaired = matched_after(video, repair_of(video, [error]))
    iou, gain = analysis.iou_threshold, 0.0
    for label in labels:
        category_id = analysis.truth.category_ids[label]
        before = analysis.average_precision(category=category_id)
        if before is None:
            continue
        matched = dict(of_category[category_id])
        if label in repaired:
            matched[error.video_id, category_id] = repaired[label]
        alone = GroundTruth(analysis.truth.videos, [], [category_id], {})
        after = alone.curves(matched).average_precision(iou=iou)
        gain += (1.0 if after is None else after) - before
    measured = np.isfinite(analysis.curves().precision[0, analysis.level, 0]).sum()
    return float(gain / measured) if measured else 0.0
