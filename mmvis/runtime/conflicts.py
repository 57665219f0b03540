"""Which track each detection gets, when several may claim the same.

Scores are (n, 1 + m) with "new" in column 0, the winner of ties; ``priority`` (n,) is
what rivals are compared by, or None for their scores. Columns (n,) come back: 0 for a
new track, 1 + j for track j, -1 for none. Of equal rivals the first wins.
"""

from __future__ import annotations

import numpy as np

DROPPED = -1
# From this share of the smaller mask on, two claims on one track are of one object.
DUPLICATE_OVERLAP = 0.1


def assign(
    policy: str,
    scores: np.ndarray,
    priority: np.ndarray | None,
    overlaps: np.ndarray | None,
) -> np.ndarray:
    """Columns (n,) int64 by a policy: 'drop', 'new_id', 'next_best',
    'drop_duplicates' or 'optimal'.

    Args:
        overlaps (ndarray | None): (n, n), of the detections' masks, for
            'drop_duplicates'.
    """
    if policy == 'optimal':
        return _optimal(scores)
    if policy in ('drop', 'new_id'):
        column, won = _claim(scores, priority)
        column[~won] = DROPPED if policy == 'drop' else 0
        return column
    duplicates: np.ndarray = np.zeros((len(scores), len(scores)), bool)
    if policy == 'drop_duplicates':
        assert overlaps is not None
        duplicates = overlaps > DUPLICATE_OVERLAP
    return _in_rounds(scores.copy(), priority, duplicates)


def _claim(
    scores: np.ndarray, priority: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The best column (n,) of each detection, and whether it wins that column."""
    if not len(scores):
        return np.zeros(0, np.int64), np.zeros(0, bool)
    column = scores.argmax(1)
    value = scores.max(1) if priority is None else priority
    won = np.zeros(len(scores), bool)
    taken: set[int] = set()
    for row in np.argsort(-value, kind='stable'):
        won[row] = column[row] == 0 or column[row] not in taken
        taken.add(int(column[row]))
    return column, won


def _in_rounds(
    scores: np.ndarray, priority: np.ndarray | None, duplicates: np.ndarray
) -> np.ndarray:
    """Losers go on to their next best column; ``duplicates`` (n, n) of winners end."""
    dropped = np.zeros(len(scores), bool)
    while True:
        column, won = _claim(scores, priority)
        if won.all():
            column[dropped] = DROPPED
            return column
        winner = {int(column[row]): row for row in np.flatnonzero(won)}
        for row in np.flatnonzero(~won):
            scores[row, column[row]] = -np.inf
            if duplicates[row, winner[int(column[row])]]:
                dropped[row] = True
                scores[row] = -np.inf
                scores[row, 0] = 0.0


def _optimal(scores: np.ndarray) -> np.ndarray:
    """The assignment of the highest sum of scores, "new" included."""
    from scipy.optimize import linear_sum_assignment

    scores = scores.astype(np.float64)
    gain = np.nan_to_num(scores[:, 1:] - scores[:, :1], nan=0.0).clip(min=0)
    rows, tracks = linear_sum_assignment(gain, maximize=True)
    column = np.zeros(len(scores), np.int64)
    better = gain[rows, tracks] > 0
    column[rows[better]] = tracks[better] + 1
    return column
