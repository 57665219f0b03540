"""The single errors that cost most."""

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from ..vis_eval import GroundTruth, MatchedTracks
from .analysis import ErrorAnalysis
from .fixing import matched_after, repair_of
from .kinds import KINDS, TrackError

# What is left of a gain of nothing by rounding.
_NOTHING = 1e-12

OfCategory = dict[Any, dict[tuple, MatchedTracks]]


class WorstCase(NamedTuple):
    """An error and what AP at the threshold gains if nothing else is fixed."""

    gain: float
    error: TrackError


def worst_cases(
    analysis: ErrorAnalysis, per_kind: int, tried: int = 100
) -> dict[str, list[WorstCase]]:
    """For each kind the errors of largest gain, of those that gain anything.

    Args:
        analysis: what the errors are of.
        per_kind: so many at most.
        tried: errors of a kind whose gain is computed: those first whose objects are
            the largest part of their category, then by score, or for missed objects by
            their pixels.
    """
    of_category: OfCategory = defaultdict(dict)
    for key, tracks in analysis.matched().items():
        of_category[key[1]][key] = tracks
    of_kind = defaultdict(list)
    for errors in analysis.errors:
        for error in errors:
            of_kind[error.kind].append(error)
    objects = np.array([*analysis.num_objects().values()])
    worst = {}
    for kind in KINDS:
        ranked = sorted(of_kind[kind], key=lambda e: _urgency(analysis, e, objects))
        cases = [WorstCase(_gain(analysis, e, of_category), e) for e in ranked[:tried]]
        cases = sorted(cases, key=lambda case: -case.gain)[:per_kind]
        worst[kind] = [case for case in cases if case.gain > _NOTHING]
    return worst


def _urgency(
    analysis: ErrorAnalysis, error: TrackError, num_objects: np.ndarray
) -> tuple[float, float]:
    """The smallest comes first. An object of a rare category is much of its recall."""
    video = analysis.overlaps(error.video_id)
    lost = error.claims if error.detection is not None else [error.target]
    share = sum(1 / num_objects[video.object_labels[gt]] for gt in lost)
    if error.target is None or error.detection is not None:
        return -share, -error.score
    areas = video.objects[error.target]['areas']
    return -share, -sum(area or 0 for area in areas)


def _gain(analysis: ErrorAnalysis, error: TrackError, of_category: OfCategory) -> float:
    """Computed on the categories of the track and its objects: no other changes."""
    video = analysis.overlaps(error.video_id)
    places = {*error.claims, error.target} - {None}
    labels = {int(video.object_labels[gt]) for gt in places}
    if error.detection is not None:
        labels.add(int(video.labels[error.detection]))
    repaired = matched_after(video, repair_of([error]))
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
