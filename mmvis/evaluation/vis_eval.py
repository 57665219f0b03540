"""The YouTube-VIS protocol: matching of tracks, precision-recall curves, AP and AR.

It follows the official evaluation of youtubevos/cocoapi, point by point as
docs/en/metric.md lists them, on plain lists and arrays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..structures.track_iou import track_areas, track_ious

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = (1, 10, 100)
# The name under which all sizes are kept; it is no word that a config would use.
ALL_AREAS = ''
WHOLE_RANGE = (0.0, 1e5**2)
AREA_RANGES = {
    's': (0.0, 128.0**2),
    'm': (128.0**2, 256.0**2),
    'l': (256.0**2, 1e5**2),
}


@dataclass
class MatchedTracks:
    """One video's tracks of one category after matching: A ranges, T thresholds.

    Attributes:
        scores: (D,) float64, descending.
        matched: (A, T, D) bool, detection has a ground truth, ignored ones included.
        ignored: (A, T, D) bool, detection counts neither as hit nor as error.
        positives: (A,) int, ground truths that count.
    """

    scores: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    positives: np.ndarray


@dataclass
class Curves:
    """Curves of a set of videos: A area ranges, T thresholds, K categories, M limits.

    Attributes:
        area_names: names of the A ranges, :data:`ALL_AREAS` first.
        category_ids: the K categories.
        precision: (A, T, 101, K) float64, nan for a category without ground truth.
        recall: (A, T, K, M) float64, likewise.
    """

    area_names: list[str]
    category_ids: list
    precision: np.ndarray
    recall: np.ndarray

    def average_precision(
        self, area: str = ALL_AREAS, iou: float | None = None, category: Any = None
    ) -> float | None:
        """Mean over thresholds (or at one), recall points, categories (or of one)."""
        values = self.precision[self.area_names.index(area)]
        if iou is not None:
            values = values[np.isclose(IOU_THRESHOLDS, iou)]
        if category is not None:
            values = values[..., self.category_ids.index(category)]
        return _mean(values)

    def average_recall(self, max_detections: int) -> float | None:
        """Mean over thresholds and categories of the recall that is reached."""
        return _mean(self.recall[0, ..., MAX_DETECTIONS.index(max_detections)])


def id_order(value: Any) -> tuple:
    """Sort key of ids: numbers in their order, names after them."""
    return isinstance(value, str), value


def _mean(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return float(np.mean(values)) if values.size else None


def has_attribute(video: Mapping, attribute: str | None) -> bool:
    """Whether a video carries an attribute; all of them carry None."""
    return attribute is None or attribute in (video.get('attributes') or ())


def average_area(areas: Iterable[float | None]) -> float:
    """Mean over the frames with an area, 0 if there is none, as the protocol has it."""
    present = [area for area in areas if area]
    return float(np.mean(present)) if present else 0.0


def assign_tracks(
    ious: np.ndarray, ignored: np.ndarray, crowd: np.ndarray
) -> np.ndarray:
    """Greedy assignment in the order of the detections, at each IoU threshold.

    A detection takes the free ground truth of highest IoU (of equals the later one);
    ignored ones only if no other reaches the threshold. A crowd is never used up.

    Args:
        ious: (D, G) float64.
        ignored: (G,) bool, crowd or out of the area range.
        crowd: (G,) bool.

    Returns:
        (T, D) int64: the ground truth that a detection takes, -1 if none.
    """
    levels, (num_dets, num_gts) = len(IOU_THRESHOLDS), ious.shape
    assigned = np.full((levels, num_dets), -1)
    taken = np.zeros((levels, num_gts), dtype=bool)
    # Most pairs are below every threshold: only the others are looked at one by one.
    reaching = ious >= IOU_THRESHOLDS[0]
    for det in np.flatnonzero(reaching.any(axis=1)):
        row = ious[det]
        candidates = sorted(
            np.flatnonzero(reaching[det]).tolist(),
            key=lambda gt: (ignored[gt], -row[gt], -gt),
        )
        for level, threshold in enumerate(IOU_THRESHOLDS):
            for gt in candidates:
                if row[gt] >= threshold and (crowd[gt] or not taken[level, gt]):
                    taken[level, gt] = True
                    assigned[level, det] = gt
                    break
    return assigned


def match_tracks(
    ious: np.ndarray, ignored: np.ndarray, crowd: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What :func:`assign_tracks` gives, without the name of the ground truth.

    Returns:
        (T, D) bool: has a match; (T, D) bool: that match is an ignored one.
    """
    assigned = assign_tracks(ious, ignored, crowd)
    # A last entry for -1, none.
    return assigned >= 0, np.append(ignored, False)[assigned]


@dataclass
class GroundTruth:
    """What the results of a set of videos are compared with.

    Attributes:
        videos: dicts with id, length, height, width, and optionally attributes.
        annotations: dicts with video_id, category_id, iscrowd, segmentations (RLE or
            None a frame of the video) and areas (number or None a frame).
        category_ids: the categories to evaluate, in the order to list them.
        area_ranges: name to (lowest, highest) mean area, both inclusive.
        area_unit: 'pixel', or 'frame': ranges are fractions of height x width.
    """

    videos: list[dict]
    annotations: list[dict]
    category_ids: list
    area_ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: dict(AREA_RANGES)
    )
    area_unit: str = 'pixel'

    def __post_init__(self) -> None:
        self._tracks = defaultdict(list)
        for annotation in self.annotations:
            key = annotation['video_id'], annotation['category_id']
            self._tracks[key].append(annotation)

    @property
    def area_names(self) -> list[str]:
        return [ALL_AREAS, *self.area_ranges]

    def ranges_of(self, video: dict) -> np.ndarray:
        """(A, 2) float64: area ranges in pixels of this video, all sizes first."""
        ranges = np.array([WHOLE_RANGE, *self.area_ranges.values()], dtype=np.float64)
        if self.area_unit == 'frame':
            ranges[1:] *= video['height'] * video['width']
        return ranges

    def match(self, results: Sequence[dict]) -> dict[tuple, MatchedTracks]:
        """Match all results: (video id, category id) to matched tracks.

        Args:
            results: dicts with video_id, category_id, score, segmentations; the order
                decides between equal scores.
        """
        detections = defaultdict(list)
        for result in results:
            detections[result['video_id'], result['category_id']].append(result)
        matched = {}
        # Equal scores in different videos are ordered by video id.
        for video in sorted(self.videos, key=lambda video: id_order(video['id'])):
            for category_id in self.category_ids:
                key = video['id'], category_id
                if key in detections or key in self._tracks:
                    matched[key] = self._match_video(
                        video, detections.get(key, []), self._tracks.get(key, [])
                    )
        return matched

    def _match_video(
        self, video: dict, detections: list[dict], annotations: list[dict]
    ) -> MatchedTracks:
        scores = np.array([det['score'] for det in detections], dtype=np.float64)
        order = np.argsort(-scores, kind='stable')[: MAX_DETECTIONS[-1]]
        det_masks = [detections[i]['segmentations'] for i in order]
        gt_masks = [annotation['segmentations'] for annotation in annotations]
        det_areas = track_areas(det_masks, video['length'])
        gt_areas = track_areas(gt_masks, video['length'])
        ious = track_ious(det_masks, gt_masks, det_areas, gt_areas)

        det_sizes = det_areas.sum(axis=1) / np.maximum((det_areas > 0).sum(axis=1), 1)
        gt_sizes = np.array([average_area(ann['areas']) for ann in annotations])
        crowd = np.array([bool(ann['iscrowd']) for ann in annotations], dtype=bool)
        low, high = self.ranges_of(video).T[:, :, None]
        det_outside = (det_sizes < low) | (det_sizes > high)
        gt_ignored = crowd | (gt_sizes < low) | (gt_sizes > high)
        pairs = [match_tracks(ious, ignored, crowd) for ignored in gt_ignored]
        matched = np.stack([pair[0] for pair in pairs])
        to_ignored = np.stack([pair[1] for pair in pairs])
        return MatchedTracks(
            scores=scores[order],
            matched=matched,
            ignored=to_ignored | (~matched & det_outside[:, None]),
            positives=(~gt_ignored).sum(axis=1),
        )

    def curves(
        self, matched: Mapping[tuple, MatchedTracks], attribute: str | None = None
    ) -> Curves:
        """Curves over all videos, or over those that carry an attribute."""
        videos = {
            video['id'] for video in self.videos if has_attribute(video, attribute)
        }
        of_category = defaultdict(list)
        for (video_id, category_id), tracks in matched.items():
            if video_id in videos:
                of_category[category_id].append(tracks)
        shape = len(self.area_names), len(IOU_THRESHOLDS)
        kinds = len(self.category_ids)
        precision = np.full((*shape, len(RECALL_POINTS), kinds), np.nan)
        recall = np.full((*shape, kinds, len(MAX_DETECTIONS)), np.nan)
        for k, category_id in enumerate(self.category_ids):
            found = of_category[category_id]
            positives = sum((t.positives for t in found), np.zeros(shape[0], int))
            for area in np.flatnonzero(positives):
                precision[area, ..., k], recall[area, :, k] = _accumulate(
                    found, area, positives[area]
                )
        return Curves(self.area_names, list(self.category_ids), precision, recall)


def _accumulate(
    tracks: list[MatchedTracks], area: int, positives: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision (T, 101) and recall (T, M) of one category in one area range."""
    scores = np.concatenate([t.scores for t in tracks])
    order = np.argsort(-scores, kind='stable')
    rank = np.concatenate([np.arange(len(t.scores)) for t in tracks])
    counts = ~np.concatenate([t.ignored[area] for t in tracks], axis=1)
    matched = np.concatenate([t.matched[area] for t in tracks], axis=1)
    hits = matched & counts
    recall = np.stack(
        [hits[:, rank < limit].sum(axis=1) for limit in MAX_DETECTIONS], axis=1
    )
    true = np.cumsum(hits[:, order], axis=1, dtype=np.float64)
    false = np.cumsum((~matched & counts)[:, order], axis=1, dtype=np.float64)
    # The official code guards 0 / 0 by this smallest step, and so rounds as we do.
    precision = true / (true + false + np.spacing(1))
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    # Past the highest recall that is reached, precision is 0.
    precision = np.pad(precision, ((0, 0), (0, 1)))
    reached = [
        np.searchsorted(row, RECALL_POINTS, side='left') for row in true / positives
    ]
    precision = np.take_along_axis(precision, np.stack(reached), axis=1)
    return precision, recall / positives
