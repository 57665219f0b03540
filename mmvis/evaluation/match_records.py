"""What a run's AP depends on, in a few kilobytes, and AP of resampled sets of videos.

AP depends on masks through the matches alone: on which detections are hits at which IoU
thresholds, in the order of their scores. With these kept, AP of any multiset of the
videos is computed again, properly, for thousands of them in seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from .vis_eval import (
    IOU_THRESHOLDS,
    RECALL_POINTS,
    GroundTruth,
    MatchedTracks,
    id_order,
)

_AT_ONCE = 400  # multisets whose sums stay in a processor's cache
_ALL = 0  # place of the range of all sizes in what is matched


@dataclass(frozen=True)
class CategoryRecords:
    """Detections of one category in V videos, best score first.

    What comes after the last hit is left out: no precision at a recall that is reached
    depends on it, in any selection of the videos.

    Attributes:
        positives: (V,) int64, ground truths to be found in each video.
        videos: (D,) int64, the place of each detection's video.
        hits: (D,) int64, bit t is set for a hit at the t-th IoU threshold.
        ignored: (D,) int64, likewise for what is neither hit nor error (crowds).
    """

    positives: np.ndarray
    videos: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class MatchRecords:
    """A run's matches in V videos, in the order of their ids.

    Attributes:
        categories: one entry a category, in the order of the metric.
        attributes: name to (V,) bool, the videos that carry it.
        num_videos: V.
    """

    categories: list[CategoryRecords]
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    num_videos: int = 0

    @classmethod
    def from_matches(
        cls, ground_truth: GroundTruth, matched: Mapping[tuple, MatchedTracks]
    ) -> 'MatchRecords':
        """Records of what ``ground_truth.match`` gave."""
        # The order that decides between equal scores.
        ids = sorted((video['id'] for video in ground_truth.videos), key=id_order)
        place = {video_id: i for i, video_id in enumerate(ids)}
        categories = [
            _records_of(
                {place[v]: m for (v, c), m in matched.items() if c == category_id},
                len(ids),
            )
            for category_id in ground_truth.category_ids
        ]
        attributes: dict[str, np.ndarray] = {}
        for video in ground_truth.videos:
            for name in video.get('attributes') or ():
                carry = attributes.setdefault(name, np.zeros(len(ids), dtype=bool))
                carry[place[video['id']]] = True
        return cls(categories, dict(sorted(attributes.items())), len(ids))

    def average_precision(
        self, weights: np.ndarray | None = None, attribute: str | None = None
    ) -> np.ndarray:
        """AP of multisets of the videos.

        A video of weight w counts as w videos of the same content, whose detections
        follow each other where their scores are equal.

        Args:
            weights: (B, V) whole numbers; by default one multiset, of all videos once.
            attribute: count only the videos that carry it.

        Returns:
            (B,) float64; nan where there is nothing to find.
        """
        if weights is None:
            weights = np.ones((1, self.num_videos), dtype=np.int64)
        weights = np.asarray(weights, dtype=np.int64)
        if attribute is not None:
            if attribute not in self.attributes:
                raise ValueError(f'no video carries the attribute {attribute!r}')
            weights = weights * self.attributes[attribute]
        blocks = np.split(weights, range(_AT_ONCE, len(weights), _AT_ONCE))
        values = np.stack(
            [
                np.concatenate([_average_precision(c, block) for block in blocks])
                for c in self.categories
            ]
        )
        known = ~np.isnan(values)
        with np.errstate(invalid='ignore'):
            return np.where(known, values, 0).sum(0) / known.sum(0)

    def to_json(self) -> dict:
        """Plain lists; :meth:`from_json` reads them."""
        return {
            'num_videos': self.num_videos,
            'attributes': {
                name: np.flatnonzero(carry).tolist()
                for name, carry in self.attributes.items()
            },
            'categories': [
                {
                    'positives': c.positives.tolist(),
                    'videos': c.videos.tolist(),
                    'hits': c.hits.tolist(),
                    **({'ignored': c.ignored.tolist()} if c.ignored.any() else {}),
                }
                for c in self.categories
            ],
        }

    @classmethod
    def from_json(cls, content: Mapping) -> 'MatchRecords':
        """Read what :meth:`to_json` gave.

        Raises:
            ValueError: a video has more hits than objects, or is not there.
        """
        count = content['num_videos']
        attributes = {}
        for name, places in content['attributes'].items():
            attributes[name] = np.zeros(count, dtype=bool)
            attributes[name][places] = True
        categories = [
            CategoryRecords(
                positives=_ints(c['positives']),
                videos=_ints(c['videos']),
                hits=_ints(c['hits']),
                ignored=_ints(c.get('ignored', [0] * len(c['hits']))),
            )
            for c in content['categories']
        ]
        for category in categories:
            _check(category, count)
        return cls(categories, attributes, count)


def _check(records: CategoryRecords, count: int) -> None:
    if len(records.positives) != count or not (records.videos < count).all():
        raise ValueError(f'matches of other than {count} videos')
    for level in range(len(IOU_THRESHOLDS)):
        hits = np.bincount(
            records.videos, weights=records.hits >> level & 1, minlength=count
        )
        if (hits > records.positives).any():
            raise ValueError('more hits than objects in a video')


def _ints(values: Sequence[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _records_of(matched: Mapping[int, MatchedTracks], count: int) -> CategoryRecords:
    """Records of one category: place of a video to its matches."""
    positives = np.zeros(count, dtype=np.int64)
    scores, videos, hits, ignored = [np.zeros(0)], [_ints([])], [_ints([])], [_ints([])]
    bits = 1 << np.arange(len(IOU_THRESHOLDS))[:, None]
    for place in sorted(matched):
        tracks = matched[place]
        positives[place] = tracks.positives[_ALL]
        out = tracks.ignored[_ALL]
        scores.append(tracks.scores)
        videos.append(np.full(len(tracks.scores), place))
        hits.append((bits * (tracks.matched[_ALL] & ~out)).sum(0))
        ignored.append((bits * out).sum(0))
    order = np.argsort(-np.concatenate(scores), kind='stable')
    all_hits = np.concatenate(hits)[order]
    last = np.flatnonzero(all_hits)
    kept = order[: last[-1] + 1 if len(last) else 0]
    return CategoryRecords(
        positives,
        np.concatenate(videos)[kept],
        np.concatenate(hits)[kept],
        np.concatenate(ignored)[kept],
    )


def _average_precision(records: CategoryRecords, weights: np.ndarray) -> np.ndarray:
    """(B,) AP of one category; nan where nothing is to be found."""
    # Detections are rows: sums down the rows run over all multisets at once.
    positives = weights @ records.positives
    of_detection = np.ascontiguousarray(weights.T, dtype=np.int32)[records.videos]
    every = np.cumsum(of_detection, axis=0, dtype=np.int32)
    points = _points_reached(int(positives.max(initial=0)))
    place = (positives * points.shape[1]).astype(np.int32)
    sums = np.zeros(len(weights))
    for level in range(len(IOU_THRESHOLDS)):
        hit = np.flatnonzero(records.hits >> level & 1)
        if not len(hit):
            continue
        true = np.cumsum(of_detection[hit], axis=0, dtype=np.int32)
        total = every[hit]
        out = (records.ignored >> level & 1).astype(np.int32)
        if out.any():
            ignored = np.cumsum(of_detection * out[:, None], axis=0, dtype=np.int32)
            total = total - ignored[hit]
        # As in the metric. Of the copies of a hit the last has the best precision, so
        # that the envelope at the others is what it is there.
        precision = true / (total + np.spacing(1))
        np.maximum.accumulate(precision[::-1], axis=0, out=precision[::-1])
        # Each recall point takes the precision of the first hit that reaches it.
        reached = points.ravel().take(place + true)
        precision[1:] *= reached[1:] - reached[:-1]
        precision[0] *= reached[0]
        sums += precision.sum(0)
    with np.errstate(invalid='ignore', divide='ignore'):
        mean = sums / (len(IOU_THRESHOLDS) * len(RECALL_POINTS))
    return np.where(positives > 0, mean, np.nan)


@lru_cache(maxsize=8)
def _points_reached(most: int) -> np.ndarray:
    """(most + 1, most + 1) int16: recall points at or below k / p, by [p, k].

    The comparison is that of floats, as in the metric.
    """
    counts = np.arange(most + 1)
    recall = counts / np.maximum(counts, 1)[:, None]
    reached = np.searchsorted(RECALL_POINTS, recall, side='right')
    return reached.astype(np.int16)
