"""Intervals: draw by draw in plain loops, and how often they miss a known truth."""

import numpy as np
import pytest
from made_records import random_matches
from reproduction.resampling import Bootstrap, Difference, interval

from mmvis.evaluation.match_records import CategoryRecords, MatchRecords


def records(seed, skill=0.5):
    return MatchRecords.from_json(random_matches(np.random.default_rng(seed), skill))


@pytest.mark.parametrize('where', ['all', 'twins'])
def test_difference_draw_by_draw(where):
    bootstrap = Bootstrap(30, draws=60)
    better = {f'a{s}': records(s, 0.6) for s in range(3)}
    than = {f'b{s}': records(10 + s, 0.5) for s in range(3)}
    attribute = None if where == 'all' else where
    means, of_videos = [], []
    for videos, seeds in zip(bootstrap.videos, bootstrap.seeds(3), strict=True):
        assert videos.sum() == 30
        total = 0.0
        every = []
        for place, share in enumerate(seeds):
            assert share in (0, 0.5, 1)
            sides = [
                side[f'{name}{place}'].average_precision(videos[None], attribute)[0]
                for side, name in ((better, 'a'), (than, 'b'))
            ]
            every.append(sides[0] - sides[1])
            total += share * every[-1]
        means.append(total)
        of_videos.append(sum(every) / 3)
    found = bootstrap.difference(better, than, where)
    assert (found.low, found.high) == pytest.approx(
        tuple(np.percentile(means, [2.5, 97.5])), abs=1e-12
    )
    whole = [
        better[f'a{s}'].average_precision(attribute=attribute)[0]
        - than[f'b{s}'].average_precision(attribute=attribute)[0]
        for s in range(3)
    ]
    assert found.mean == pytest.approx(np.mean(whole), abs=1e-12)
    assert found.low < found.mean < found.high
    low, high = np.percentile(of_videos, [2.5, 97.5])
    assert found.videos == pytest.approx((high - low) / 2, abs=1e-12)
    # The standard error of the three, times 1.96.
    squares = sum((value - np.mean(whole)) ** 2 for value in whole)
    assert found.trainings == pytest.approx(1.959964 * (squares / 2 / 3) ** 0.5)


def test_drawn_seeds_vary_as_a_mean_of_trainings_does():
    """The variance of a mean of S numbers, estimated from them: s^2 / S."""
    values = np.array([0.1, 0.25, 0.2, 0.6])
    drawn = Bootstrap(1, draws=200_000).seeds(4) @ values
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.001)
    assert drawn.var() == pytest.approx(values.var(ddof=1) / 4, rel=0.02)


def test_one_seed_is_drawn_whole():
    np.testing.assert_array_equal(Bootstrap(5, draws=3).seeds(1), np.ones((3, 1)))


def test_intervals_leave_out_draws_without_anything_to_find():
    assert interval([np.nan, *range(101)]) == pytest.approx((2.5, 97.5))
    assert np.isnan(interval([np.nan])).all()


def one_object_a_video(rng, chance, videos=40):
    """Each video's object is found, perfectly, or missed, with a false alarm."""
    hit = rng.random(videos) < chance
    ones = np.ones(videos, dtype=np.int64)
    category = CategoryRecords(
        ones, rng.permutation(videos), np.where(hit, 1023, 0), 0 * ones
    )
    return MatchRecords([category], {}, videos)


def test_how_often_nothing_and_something_is_seen():
    """Equal rows are told apart in about one of twenty experiments, others in most."""
    rng = np.random.default_rng(3)
    told = {0.5: 0, 0.75: 0}
    for chance in told:
        for _ in range(100):
            bootstrap = Bootstrap(40, draws=300, seed=int(rng.integers(2**31)))
            sides = [
                {f'{name}{s}': one_object_a_video(rng, p) for s in range(3)}
                for name, p in (('a', chance), ('b', 0.5))
            ]
            told[chance] += bootstrap.difference(*sides, 'all').verdict != 'not seen'
    assert told[0.5] <= 15
    assert told[0.75] >= 60


@pytest.mark.parametrize(
    ('low', 'high', 'verdict'),
    [
        (0.01, 0.2, 'held'),
        (-0.2, -0.01, 'denied'),
        (-0.1, 0.1, 'not seen'),
        (0.0, 0.1, 'not seen'),
    ],
)
def test_verdicts(low, high, verdict):
    assert Difference((0.5,), (0.4,), low, high).verdict == verdict
