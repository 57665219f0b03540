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

_CELLS = 100_000  # numbers at a time: few enough for a processor's cache
_LEAST = 500  # multisets at a time: enough for a call of numpy to be worth it
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
        carry = np.ones(self.num_videos, dtype=bool)
        if attribute is not None:
            if attribute not in self.attributes:
                raise ValueError(f'no video carries the attribute {attribute!r}')
            carry = self.attributes[attribute]
        of_video: np.ndarray = weights[:, carry].T.astype(self._floats(weights))
        values = np.stack(
            [_average_precision(c, of_video, carry) for c in self.categories]
        )
        known = ~np.isnan(values)
        with np.errstate(invalid='ignore'):
            return np.where(known, values, 0).sum(0) / known.sum(0)

    def _floats(self, weights: np.ndarray) -> type:
        """Floats in which every sum of so many copies is a whole number."""
        most = max(max(len(c.videos), int(c.positives.sum())) for c in self.categories)
        single = most * int(weights.max(initial=0)) < 2**24
        return np.float32 if single else np.float64

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


@dataclass(frozen=True)
class _Runs:
    """Runs of hits of one category without an error between, level by level.

    Along a run precision can only grow: its last hit is all that the envelope needs.

    Attributes:
        true: (R, C) int64, hits of each video up to the end of each run.
        total: (R, C) int64, hits and errors up to there.
        first: (R,) bool, whether it is the first of its IoU threshold.
    """

    true: np.ndarray
    total: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, records: CategoryRecords, carry: np.ndarray) -> '_Runs':
        """Those of the C videos that ``carry`` (V,) bool selects."""
        kept = carry[records.videos]
        videos = (np.cumsum(carry) - 1)[records.videos[kept]]
        bits = np.arange(len(IOU_THRESHOLDS))[:, None]
        hit = (records.hits[kept] >> bits & 1).astype(bool)
        level, place = np.nonzero(~records.ignored[kept] >> bits & 1)
        hit = hit[level, place]
        goes_on = np.zeros_like(hit)
        goes_on[:-1] = hit[1:] & (level[1:] == level[:-1])
        last = hit & ~goes_on
        run = np.cumsum(last) - last
        of_run = level[last]
        # Errors after the last hit are of no run.
        counts = np.append(of_run, -1)[run] == level
        shape = len(of_run), int(carry.sum())
        cell = run * shape[1] + videos[place]
        first = np.diff(of_run, prepend=-1) != 0
        sums = []
        for chosen in (counts & hit, counts):
            each = np.bincount(cell[chosen], minlength=shape[0] * shape[1])
            every = np.cumsum(each.reshape(shape), axis=0)
            before = np.concatenate([np.zeros_like(every[:1]), every[:-1]])[first]
            sums.append(every - before[np.cumsum(first) - 1])
        return cls(sums[0], sums[1], first)


def _average_precision(
    records: CategoryRecords, of_video: np.ndarray, carry: np.ndarray
) -> np.ndarray:
    """(B,) AP of one category in some of the videos; nan where nothing is to be found.

    Args:
        records: of the category.
        of_video: (C, B) weights of the videos that are counted, as floats of which
            products with whole numbers are exact.
        carry: (V,) bool, which these are.
    """
    positives = (records.positives[carry] @ of_video).astype(np.int32)
    points = _points_reached(int(positives.max(initial=0)))
    place = positives * points.shape[1]
    runs = _Runs.of(records, carry)
    rows = len(runs.first)
    counts = np.concatenate([runs.true, runs.total]).astype(of_video.dtype)
    sums = np.zeros(len(positives))
    later = np.flatnonzero(~runs.first)[::-1].tolist()
    step = max(_CELLS // max(rows, 1), _LEAST)
    for begin in range(0, len(positives) if rows else 0, step):
        part = slice(begin, begin + step)
        true, total = np.split(counts @ of_video[:, part], 2)
        # Of the copies of a hit the last has the best precision, so that the envelope
        # at the others is what it is there.
        np.maximum(total, 1, out=total)
        precision = np.divide(true, total, dtype=np.float64)
        # Row by row: numpy's own accumulation goes down one column after the other.
        each = list(precision)
        for i in later:
            np.maximum(each[i - 1], each[i], out=each[i - 1])
        # Each recall point takes the precision of the first hit that reaches it.
        reached = points.ravel().take(true.astype(np.int32) + place[part])
        gained = np.diff(reached, axis=0, prepend=np.int16(0))
        gained[runs.first] = reached[runs.first]
        precision *= gained
        sums[part] = precision.sum(0)
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
