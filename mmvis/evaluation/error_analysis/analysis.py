"""The errors of a results file and what AP gains when they are fixed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmvis.structures.annotation_file import VISAnnotations

from ..evaluate_results import build_ground_truth, checked_results, load_ground_truth
from ..summary import attributes_of
from ..vis_eval import (
    IOU_THRESHOLDS,
    Curves,
    GroundTruth,
    MatchedTracks,
    has_attribute,
)
from .attribution import assigned_objects, attribute_errors
from .fixing import Repair, claims_of, matched_after, repair_of
from .kinds import KINDS, MISSED, TrackError
from .overlaps import VideoOverlaps, overlaps_of

# Names of what is fixed beside single kinds.
FALSE_POSITIVES = 'all false positives'
FALSE_NEGATIVES = 'all false negatives'
EVERYTHING = 'everything'


def analyze_errors(
    results: Sequence[dict] | str | Path,
    ground_truth: Mapping | VISAnnotations | str | Path,
    iou_threshold: float = 0.5,
) -> 'ErrorAnalysis':
    """Attribute every false positive and false negative of results to one kind.

    Args:
        results: as :func:`mmvis.evaluation.evaluate_results` takes them.
        ground_truth: likewise.
        iou_threshold: spatio-temporal IoU from which a track is right, one of the
            protocol's ten: 0.5, 0.55, ..., 0.95.

    Raises:
        ValueError: if the threshold is none of them, the file has no annotations, or a
            result does not fit to it, see ``evaluate_results``.
    """
    levels = np.flatnonzero(np.isclose(IOU_THRESHOLDS, iou_threshold))
    if not len(levels):
        raise ValueError(
            f'the IoU threshold is {iou_threshold}; it has to be one at which the '
            'metric matches: 0.5, 0.55, 0.6, ..., 0.95'
        )
    annotations = load_ground_truth(ground_truth)
    truth = build_ground_truth(annotations, area_ranges={})
    results = checked_results(results, annotations)
    names = [category['name'] for category in annotations.categories]
    return ErrorAnalysis(truth, names, overlaps_of(truth, results), int(levels[0]))


@dataclass
class ErrorAnalysis:
    """Errors of tracks at one IoU threshold; numbers are from 0 to 1.

    Attributes:
        truth: the ground truth, without area ranges.
        category_names: in the order of ``truth.category_ids``.
        videos: what overlaps in each video.
        level: position of the threshold in ``IOU_THRESHOLDS``.
    """

    truth: GroundTruth
    category_names: list[str]
    videos: list[VideoOverlaps]
    level: int

    def __post_init__(self) -> None:
        self._curves: dict[tuple, Curves] = {}
        self._matched: dict[tuple, dict[tuple, MatchedTracks]] = {}
        self._positions = {v.video['id']: n for n, v in enumerate(self.videos)}

    @cached_property
    def _levels(self) -> list['ErrorAnalysis']:
        """The same at each threshold. What is not fixed is shared."""
        levels = []
        for level in range(len(IOU_THRESHOLDS)):
            analysis = self
            if level != self.level:
                analysis = replace(self, level=level)
                analysis._matched[()] = self.matched()
                names = [None, *self.attributes]
                analysis._curves = {((), n): self.curves((), n) for n in names}
            levels.append(analysis)
        return levels

    @property
    def iou_threshold(self) -> float:
        return float(IOU_THRESHOLDS[self.level])

    @property
    def threshold_name(self) -> str:
        """AP50 for a threshold of 0.5."""
        return f'AP{round(100 * self.iou_threshold)}'

    @cached_property
    def errors(self) -> list[list[TrackError]]:
        """Of each video, in the order of :attr:`videos`."""
        return [attribute_errors(video, self.level) for video in self.videos]

    @property
    def attributes(self) -> list[str]:
        return attributes_of(self.truth.videos)

    def overlaps(self, video_id: Any) -> VideoOverlaps:
        return self.videos[self._positions[video_id]]

    def num_errors(
        self,
        kinds: Iterable[str] = KINDS,
        attribute: str | None = None,
        category: Any = None,
    ) -> tuple[int, int]:
        """False positives and false negatives of some kinds.

        A false negative is of the kind of the error that gets the object when all
        errors are fixed: the track of highest score that claims it, else it is missed.

        Args:
            kinds: of errors.
            attribute: in the videos that carry it.
            category: tracks with this category id, and objects that have it.
        """
        kinds = set(kinds)
        positives = negatives = 0
        for video, errors in zip(self.videos, self.errors, strict=True):
            if not has_attribute(video.video, attribute):
                continue
            tracks = [
                e.detection
                for e in errors
                if e.detection is not None and e.false_positive and e.kind in kinds
            ]
            lost = [gt for gt, e in claims_of(errors).items() if e.kind in kinds]
            if MISSED in kinds:
                lost += [
                    e.target
                    for e in errors
                    if e.target is not None and e.kind == MISSED
                ]
            labels = [video.labels[tracks], video.object_labels[lost]]
            if category is not None:
                label = self.truth.category_ids.index(category)
                labels = [found[found == label] for found in labels]
            positives += len(labels[0])
            negatives += len(labels[1])
        return positives, negatives

    def average_precision(
        self,
        fixed: str | tuple[str, ...] = (),
        attribute: str | None = None,
        category: Any = None,
        averaged: bool = False,
    ) -> float | None:
        """AP once some errors are fixed.

        Args:
            fixed: kinds that are fixed together, or one of :data:`FALSE_POSITIVES`
                (all removed), :data:`FALSE_NEGATIVES` (all dropped) and
                :data:`EVERYTHING`. Nothing by default: the metric's own AP.
            attribute: over the videos that carry it.
            category: of this category id alone.
            averaged: over the ten thresholds instead of at :attr:`iou_threshold`, each
                with the kinds that errors have there.

        Returns:
            AP, None if there is no object to find.
        """
        if averaged and fixed:
            values = [
                analysis.average_precision(fixed, attribute, category)
                for analysis in self._levels
            ]
            return _mean(values)
        curves = self.curves(fixed, attribute)
        iou = None if averaged else self.iou_threshold
        return curves.average_precision(iou=iou, category=category)

    def gain(
        self, fixed: str | tuple[str, ...], averaged: bool = False, **where: Any
    ) -> float | None:
        """What :meth:`average_precision` gains by fixing some errors."""
        if averaged:
            # Level by level, so that where nothing is gained it is exactly nothing.
            gains = [analysis.gain(fixed, **where) for analysis in self._levels]
            return _mean(gains)
        before = self.average_precision((), **where)
        after = self.average_precision(fixed, **where)
        return None if before is None or after is None else after - before

    def curves(
        self, fixed: str | tuple[str, ...] = (), attribute: str | None = None
    ) -> Curves:
        """Precision and recall of all categories once some errors are fixed."""
        fixed = tuple(KINDS) if fixed == EVERYTHING else fixed
        fixed = (fixed,) if isinstance(fixed, str) else tuple(fixed)
        if (fixed, attribute) not in self._curves:
            curves = self.truth.curves(self.matched(fixed), attribute)
            if fixed:
                curves = nothing_left(curves, self.curves((), attribute))
            self._curves[fixed, attribute] = curves
        return self._curves[fixed, attribute]

    def matched(self, fixed: tuple[str, ...] = ()) -> dict[tuple, MatchedTracks]:
        """(video id, category id) to matched tracks once some errors are fixed."""
        if fixed not in self._matched:
            matched = self._matched[fixed] = {}
            pairs = zip(self.videos, self._repairs(fixed), strict=True)
            for video, repair in pairs:
                for label, tracks in matched_after(video, repair).items():
                    category_id = self.truth.category_ids[label]
                    matched[video.video['id'], category_id] = tracks
        return self._matched[fixed]

    def _repairs(self, fixed: tuple[str, ...]) -> list[Repair]:
        if fixed == (FALSE_POSITIVES,):
            wrong = [[e for e in errors if e.false_positive] for errors in self.errors]
            return [Repair(removed=repair_of(w).removed) for w in wrong]
        if fixed == (FALSE_NEGATIVES,):
            return [Repair(dropped=self._not_found(video)) for video in self.videos]
        unknown = set(fixed) - set(KINDS)
        if unknown:
            raise ValueError(f'no kinds of errors: {", ".join(sorted(unknown))}')
        return [
            repair_of([e for e in errors if e.kind in fixed]) for errors in self.errors
        ]

    def _not_found(self, video: VideoOverlaps) -> frozenset[int]:
        found = set(assigned_objects(video, self.level).tolist())
        return frozenset(set(np.flatnonzero(~video.crowd).tolist()) - found)

    def confusion(self) -> np.ndarray:
        """(K, K + 1) int: objects by category, and by what the best track says.

        For an object that is the track of highest score whose IoU with it reaches the
        threshold, of any category; the last column counts objects without such a track.
        """
        num = len(self.category_names)
        counts = np.zeros((num, num + 1), dtype=int)
        for video in self.videos:
            for gt in np.flatnonzero(~video.crowd):
                near = np.flatnonzero(video.ious[:, gt] >= self.iou_threshold)
                said = num
                if len(near):
                    said = video.labels[near[video.scores[near].argmax()]]
                counts[video.object_labels[gt], said] += 1
        return counts

    def num_objects(self, attribute: str | None = None) -> dict[Any, int]:
        """Objects to find by category id, in all videos or those with an attribute."""
        counts: Counter = Counter()
        for video in self.videos:
            if has_attribute(video.video, attribute):
                counts.update(video.object_labels[~video.crowd].tolist())
        return {c: counts[k] for k, c in enumerate(self.truth.category_ids)}


def nothing_left(fixed: Curves, base: Curves) -> Curves:
    """A category all of whose objects were dropped has nothing to lose: its AP is 1."""
    emptied = np.isnan(fixed.precision) & ~np.isnan(base.precision)
    return replace(fixed, precision=np.where(emptied, 1.0, fixed.precision))


def _mean(values: Sequence[float | None]) -> float | None:
    """None if any value is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
