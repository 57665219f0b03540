"""Numbers of trackers at a score, by class and attribute, and which score is best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmvis.structures.annotation_file import VISAnnotations

from ..evaluate_results import build_ground_truth, checked_results, load_ground_truth
from ..summary import attributes_of
from ..vis_eval import GroundTruth, has_attribute
from .sequences import SequenceOfClass
from .trackeval_package import load_metrics

Score = float | Literal['best']
Numbers = dict[str, float | int | None]

DEFAULT_SCORE = 0.3
SWEPT = tuple(round(0.05 * step, 2) for step in range(20))
# Names here and in TrackEval are the same: (metric, field).
FIELDS = {
    'HOTA': ('HOTA', 'HOTA'),
    'DetA': ('HOTA', 'DetA'),
    'AssA': ('HOTA', 'AssA'),
    'LocA': ('HOTA', 'LocA'),
    'IDF1': ('Identity', 'IDF1'),
    'MOTA': ('CLEAR', 'MOTA'),
    'sMOTA': ('CLEAR', 'sMOTA'),
    'IDSW': ('CLEAR', 'IDSW'),
    'Frag': ('CLEAR', 'Frag'),
}
COUNTS = ('IDSW', 'Frag')


@dataclass(frozen=True)
class TrackMetrics:
    """What TrackEval says of results, from 0 to 1; IDSW and Frag are counts.

    Attributes:
        score (float): tracks below were left out.
        overall (dict): of all categories; their detections are pooled, each matched
            within its category (TrackEval's ``cls_comb_det_av``).
        mean (dict): mean over the categories that have objects.
        classes (dict): by name, of those that have objects or tracks.
        attributes (dict): by name, of the videos that carry it, pooled.
        sweep (dict): ``overall`` by score.
        best_score (float): of highest HOTA among those; chosen on these very videos.
    """

    score: float
    overall: Numbers
    mean: Numbers
    classes: dict[str, Numbers]
    attributes: dict[str, Numbers]
    sweep: dict[float, Numbers]
    best_score: float

    def flat(self, classwise: bool = False) -> Numbers:
        """Keys as of AP: ``HOTA``, ``<attribute>_HOTA``, ``<category>_HOTA``."""
        flat: Numbers = {**self.overall, 'track_score': self.score}
        flat['best_HOTA'] = self.sweep[self.best_score]['HOTA']
        flat['best_track_score'] = self.best_score
        flat |= {f'{name}_HOTA': row['HOTA'] for name, row in self.attributes.items()}
        if classwise:
            flat |= {f'{name}_HOTA': row['HOTA'] for name, row in self.classes.items()}
        return flat


def check_score(score: Any) -> Score:
    """A score that tracks need to be measured.

    Raises:
        ValueError: it is neither a number from 0 to 1 nor 'best'.
    """
    if score == 'best':
        return 'best'
    if score is True:
        return DEFAULT_SCORE
    if isinstance(score, (int, float)) and 0 <= score <= 1:
        return float(score)
    raise ValueError(
        f'track_metrics is the score that tracks need, from 0 to 1, True for '
        f"{DEFAULT_SCORE}, or 'best', not {score!r}."
    )


def track_metrics(
    results: Sequence[dict] | str | Path,
    ground_truth: Mapping | VISAnnotations | str | Path,
    score: Score = DEFAULT_SCORE,
) -> TrackMetrics:
    """HOTA, DetA, AssA, IDF1, MOTA and id switches of results, by TrackEval.

    Overlap is the IoU of masks in a frame, so that MOTA and sMOTA are what MOTS calls
    MOTSA and sMOTSA.

    Args:
        results, ground_truth: as for ``evaluate_results``.
        score: tracks below are left out, since every track counts here, whereas an AP
            ranks them; 'best': of a sweep in steps of 0.05.

    Raises:
        ImportError: TrackEval is not installed.
        ValueError: as ``evaluate_results``.
    """
    load_metrics()  # what is missing is said before files are read
    annotations = load_ground_truth(ground_truth)
    names = {c['id']: c['name'] for c in annotations.categories}
    truth = build_ground_truth(annotations)
    return measure(truth, checked_results(results, annotations), names, score)


def measure(
    truth: GroundTruth,
    results: Sequence[dict],
    names: Mapping[Any, str],
    score: Score = DEFAULT_SCORE,
) -> TrackMetrics:
    """As :func:`track_metrics`, of what was read and checked.

    Args:
        truth: videos, annotations and categories.
        results: of these videos.
        names: category id to name.
        score: see there.
    """
    score = check_score(score)
    measured = _Measured(truth, results)
    sweep = {least: measured.pooled(least) for least in SWEPT}
    # Of equal ones the lowest, which leaves out least.
    best = max(SWEPT, key=lambda least: sweep[least]['HOTA'] or 0.0)
    chosen = best if score == 'best' else score
    return TrackMetrics(
        score=chosen,
        overall=sweep.get(chosen) or measured.pooled(chosen),
        mean=measured.mean(chosen),
        classes={
            str(names[number]): row for number, row in measured.classes(chosen).items()
        },
        attributes={
            name: measured.pooled(chosen, name) for name in attributes_of(truth.videos)
        },
        sweep=sweep,
        best_score=best,
    )


class _Measured:
    """TrackEval's results of every video and category, each computed once."""

    def __init__(self, truth: GroundTruth, results: Sequence[dict]) -> None:
        self._metrics = load_metrics()
        self._videos = truth.videos
        objects, crowds, tracks = (defaultdict(list) for _ in range(3))
        for annotation in truth.annotations:
            video, category = annotation['video_id'], annotation['category_id']
            if annotation['iscrowd']:
                crowds[video].append(annotation)
            else:
                objects[video, category].append(annotation)
        for result in results:
            tracks[result['video_id'], result['category_id']].append(result)
        self._sequences: dict[tuple, SequenceOfClass] = {}
        for video in truth.videos:
            for category in truth.category_ids:
                key = video['id'], category
                if key in objects or key in tracks:
                    sequence = SequenceOfClass(
                        *(video['length'], objects[key], tracks[key]),
                        crowds[video['id']],
                    )
                    # What is empty adds nothing to any sum.
                    if sequence:
                        self._sequences[key] = sequence
        self._known: dict[tuple, dict[str, dict]] = {}

    def _sequence(self, key: tuple, score: float) -> dict[str, dict]:
        sequence = self._sequences[key]
        # Which tracks are kept follows from how many.
        kept = int((sequence.scores >= score).sum())
        place = (*key, kept)
        if place not in self._known:
            data = sequence.data(score)
            self._known[place] = {
                name: metric.eval_sequence(data)
                for name, metric in self._metrics.items()
            }
        return self._known[place]

    def _of_classes(
        self, score: float, attribute: str | None = None
    ) -> dict[Any, dict[str, dict]]:
        """TrackEval's combination of all videos, or of those with an attribute."""
        videos = {v['id'] for v in self._videos if has_attribute(v, attribute)}
        parts: dict[Any, dict] = defaultdict(dict)
        for video, category in self._sequences:
            if video in videos:
                parts[category][video] = self._sequence((video, category), score)
        return {
            category: {
                name: metric.combine_sequences(
                    {v: part[name] for v, part in of.items()}
                )
                for name, metric in self._metrics.items()
            }
            for category, of in parts.items()
        }

    def pooled(self, score: float, attribute: str | None = None) -> Numbers:
        """All categories, every detection counting alike."""
        found = self._of_classes(score, attribute)
        if not found:
            return dict.fromkeys(FIELDS)
        return _numbers(
            {
                name: metric.combine_classes_det_averaged(
                    {category: of[name] for category, of in found.items()}
                )
                for name, metric in self._metrics.items()
            }
        )

    def classes(self, score: float) -> dict[Any, Numbers]:
        """Numbers by category."""
        return {c: _numbers(of) for c, of in self._of_classes(score).items()}

    def mean(self, score: float) -> Numbers:
        """Every category with objects counting alike."""
        having = {c for (_, c), s in self._sequences.items() if s.has_objects}
        found = {c: of for c, of in self._of_classes(score).items() if c in having}
        if not found:
            return dict.fromkeys(FIELDS)
        return _numbers(
            {
                name: metric.combine_classes_class_averaged(
                    {category: of[name] for category, of in found.items()}
                )
                for name, metric in self._metrics.items()
            }
        )


def _numbers(of: Mapping[str, Mapping]) -> Numbers:
    """The fields that are reported; HOTA's are means over its thresholds."""
    numbers: Numbers = {}
    for name, (metric, field) in FIELDS.items():
        value = float(np.mean(of[metric][field]))
        numbers[name] = round(value) if name in COUNTS else value
    return numbers
