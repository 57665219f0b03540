"""How far a difference between two rows can be trusted: a bootstrap over both sources.

Videos are one source of chance, trainings the other, and they are crossed: each seed's
weights are tested on the same videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from mmvis.evaluation.match_records import MatchRecords

from .plan_format import EVERYWHERE

DRAWS = 2000
COVERAGE = 0.95
_NORMAL = NormalDist().inv_cdf(0.5 + COVERAGE / 2)
HELD, NOT_SEEN, DENIED = 'held', 'not seen', 'denied'


@dataclass(frozen=True)
class Difference:
    """AP of one row less that of another.

    Attributes:
        better, than: (S,) AP of each seed, in the seeds' order.
        low, high: the interval.
        videos: half the width of an interval by chance of the videos alone.
        trainings: the same by chance of the trainings alone; nan of one seed.
    """

    better: tuple[float, ...]
    than: tuple[float, ...]
    low: float
    high: float
    videos: float = float('nan')
    trainings: float = float('nan')

    @property
    def mean(self) -> float:
        """Mean over the seeds of the differences."""
        return float(np.mean(np.subtract(self.better, self.than)))

    @property
    def verdict(self) -> str:
        """HELD above zero, DENIED below, NOT_SEEN where the interval contains it."""
        if self.low > 0:
            return HELD
        return DENIED if self.high < 0 else NOT_SEEN


class Bootstrap:
    """Draws of videos and of seeds, the same ones for all rows.

    A draw is V of the V videos with replacement and, where there are S > 1 seeds,
    S - 1 of them with replacement. (A mean of S - 1 draws of S numbers varies as the
    mean of S independent trainings is estimated to; one of S draws would vary by
    (S - 1) / S of it.) A seed brings both sides' trainings of that seed.

    Args:
        num_videos: V.
        draws: how many.
        seed: of the random numbers.
    """

    def __init__(self, num_videos: int, draws: int = DRAWS, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        shares = np.full(num_videos, 1 / num_videos)
        self.videos = rng.multinomial(num_videos, shares, size=draws)
        self._draws, self._seed = draws, seed
        self._known: dict[tuple, tuple[float, np.ndarray]] = {}

    def seeds(self, count: int) -> np.ndarray:
        """(draws, count) float64: the weight of each seed, of sum 1."""
        if count == 1:
            return np.ones((self._draws, 1))
        rng = np.random.default_rng((self._seed, count))
        drawn = rng.multinomial(count - 1, np.full(count, 1 / count), size=self._draws)
        return drawn / (count - 1)

    def average_precision(
        self, name: str, records: MatchRecords, where: str
    ) -> tuple[float, np.ndarray]:
        """AP on all videos, and (draws,) on those drawn; nan where nothing is to find.

        Args:
            name: of the records; they are evaluated once.
            records: of one run and seed.
            where: ``'all'`` or an attribute.
        """
        key = name, where
        if key not in self._known:
            attribute = None if where == EVERYWHERE else where
            once = np.ones_like(self.videos[:1])
            weights = np.concatenate([once, self.videos])
            values = records.average_precision(weights, attribute)
            self._known[key] = float(values[0]), values[1:]
        return self._known[key]

    def difference(
        self,
        better: Mapping[str, MatchRecords],
        than: Mapping[str, MatchRecords],
        where: str,
    ) -> Difference:
        """The difference of two rows.

        Args:
            better, than: name to records, one a seed, in the same order of seeds.
            where: ``'all'`` or an attribute.
        """
        sides = [
            [self.average_precision(name, r, where) for name, r in side.items()]
            for side in (better, than)
        ]
        drawn = np.stack(
            [a[1] - b[1] for a, b in zip(*sides, strict=True)], axis=1
        )  # (draws, S)
        means = (drawn * self.seeds(drawn.shape[1])).sum(1)
        whole = [tuple(value for value, _ in side) for side in sides]
        each = np.subtract(*whole)
        low, high = interval(drawn.mean(1))
        trainings = float('nan')
        if len(each) > 1:
            trainings = _NORMAL * float(np.std(each, ddof=1)) / len(each) ** 0.5
        return Difference(*whole, *interval(means), (high - low) / 2, trainings)


def interval(values: np.ndarray | Sequence[float]) -> tuple[float, float]:
    """The percentiles that leave half of 1 - COVERAGE on each side.

    Draws without anything to find (nan) are left out; nan if there is no other.
    """
    values = np.asarray(values)
    if np.isnan(values).all():
        return float('nan'), float('nan')
    rest = (1 - COVERAGE) / 2
    low, high = np.quantile(values[~np.isnan(values)], [rest, 1 - rest])
    return float(low), float(high)
