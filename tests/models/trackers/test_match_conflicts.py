"""Each policy against brute force on small drawn score matrices."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvis.models.trackers.match_conflicts import CONFLICT_POLICIES
from mmvis.models.trackers.match_score import mask_overlaps


def drop_in_loops(scores, priority):
    """The winners' columns; the losers' as strings, so that both policies can read."""
    choice = [max(range(len(row)), key=lambda c: row[c]) for row in scores]
    result = []
    for i, column in enumerate(choice):
        rivals = [j for j, c in enumerate(choice) if c == column]
        best = max(rivals, key=lambda j: _value(scores, priority, j, column))
        result.append(column if column == 0 or best == i else 'loser')
    return result


def _value(scores, priority, i, column):
    return scores[i][column] if priority is None else priority[i]


def next_best_in_loops(scores, priority):
    """From the best pair (or detection) down, each takes what is free."""
    result, taken = [0] * len(scores), set()
    settled = set()
    pairs = [(i, c) for i, row in enumerate(scores) for c in range(1, len(row))]
    pairs.sort(
        key=lambda p: (_value(scores, priority, *p), scores[p[0]][p[1]]), reverse=True
    )
    for i, column in pairs:
        better = scores[i][column] > scores[i][0]
        if better and i not in settled and column not in taken:
            result[i] = column
            settled.add(i)
            taken.add(column)
    return result


def best_total(scores):
    """The highest sum of scores over all assignments that use no track twice."""
    columns = range(len(scores[0]))
    return max(
        sum(row[c] for row, c in zip(scores, choice, strict=True))
        for choice in itertools.product(columns, repeat=len(scores))
        if len(used := [c for c in choice if c]) == len(set(used))
    )


@st.composite
def cases(draw):
    n, m = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    # All values differ, so that there is one answer.
    values = draw(st.permutations(range(n * (1 + m) + n)))
    scores = [[float(values[i * (1 + m) + c]) for c in range(1 + m)] for i in range(n)]
    priority = [float(v) for v in values[n * (1 + m) :]]
    return scores, draw(st.sampled_from([None, priority]))


def run(policy, scores, priority, overlap=0.0):
    priority = None if priority is None else torch.tensor(priority)
    overlaps = torch.full((len(scores), len(scores)), overlap)
    return CONFLICT_POLICIES[policy](torch.tensor(scores), priority, overlaps).tolist()


@settings(max_examples=150, deadline=None)
@given(cases())
def test_drop_new_id_and_next_best_equal_loops(case):
    scores, priority = case
    claims = drop_in_loops(scores, priority)
    assert run('drop', *case) == [-1 if c == 'loser' else c for c in claims]
    assert run('new_id', *case) == [0 if c == 'loser' else c for c in claims]
    assert run('next_best', *case) == next_best_in_loops(scores, priority)
    # Apart, rivals are different objects; on one another, they are duplicates.
    assert run('drop_duplicates', *case) == run('next_best', *case)
    assert run('drop_duplicates', *case, overlap=0.2) == run('drop', *case)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_optimal_reaches_the_best_total_of_all_assignments(case):
    scores, priority = case
    columns = run('optimal', scores, priority)
    used = [c for c in columns if c]
    assert len(used) == len(set(used))
    total = sum(row[c] for row, c in zip(scores, columns, strict=True))
    assert total == best_total(scores)


@pytest.mark.parametrize('policy', CONFLICT_POLICIES)
def test_new_wins_ties_and_equal_rivals_are_settled_by_order(policy):
    assert run(policy, [[1.0, 1.0]], None) == [0]
    lost = -1 if policy == 'drop' else 0
    assert run(policy, [[0.0, 1.0], [0.0, 1.0]], None) == [1, lost]


def test_a_better_rival_of_a_later_round_takes_the_track():
    # Detection 1 loses track 0 to detection 0, and takes track 1 from detection 2,
    # which goes on to track 2.
    scores = [[0.0, 9.0, 0.0, 0.0], [0.0, 8.0, 7.0, 0.0], [0.0, 0.0, 6.0, 5.0]]
    assert run('next_best', scores, None) == [1, 2, 3]
    assert run('drop', scores, None) == [1, -1, 2]


def test_only_what_lies_on_the_winner_is_a_duplicate():
    # 1 lies on 0 and 2 does not; 3 loses track 1 to 2, on which it lies, in the second
    # round.
    scores = [[0.0, 9.0, 0.0], [0.0, 8.0, 0.0], [0.0, 7.0, 6.0], [0.0, 0.0, 5.0]]
    overlaps = torch.eye(4)
    overlaps[0, 1] = overlaps[1, 0] = overlaps[2, 3] = overlaps[3, 2] = 0.5
    found = CONFLICT_POLICIES['drop_duplicates'](torch.tensor(scores), None, overlaps)
    assert found.tolist() == [1, -1, 2, -1]


def test_overlap_of_masks_is_the_share_of_the_smaller():
    masks = torch.zeros(3, 4, 4)
    masks[0, :2] = 1
    masks[1, 1, :2] = masks[1, 2, :2] = 0.6
    masks[1, 3] = 0.5
    found = mask_overlaps(masks)
    assert found.tolist() == [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize('policy', CONFLICT_POLICIES)
@pytest.mark.parametrize('n', [0, 3])
def test_no_detections_or_no_tracks(policy, n):
    def columns(scores):
        return CONFLICT_POLICIES[policy](scores, None, torch.zeros(n, n)).tolist()

    assert columns(torch.zeros(n, 1)) == [0] * n
    closed = torch.full((n, 3), -torch.inf)
    assert columns(closed) == [0] * n
    closed[:, 0] = 0.0
    assert columns(closed) == [0] * n
