"""Which track each detection gets, when several may claim the same.

Eq. 16 of STMask lets every detection choose on its own, so that two can choose one
track. Each function here is one answer. All take scores (n, 1 + m) with "new" in column
0, the winner of ties, and ``priority``: (n,) float by which rivals for a track are
compared, or None to compare their scores for that track. Equal rivals: the first wins.
``overlaps`` (n, n) float says how much of the smaller one of two detections' masks both
have; :func:`drop_duplicates` alone reads it.
All return columns (n,) int64: 0 for a new track, 1 + j for track j, -1 for a detection
that gets none. No track is given twice.
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

DROPPED = -1
# From this share of the smaller mask on, two claims on one track are of one object.
DUPLICATE_OVERLAP = 0.1


def drop(
    scores: Tensor, priority: Tensor | None = None, overlaps: Tensor | None = None
) -> Tensor:
    """The losers of a claim get nothing: they are taken for duplicates."""
    column, won = _claim(scores, priority)
    return column.masked_fill(~won, DROPPED)


def new_id(
    scores: Tensor, priority: Tensor | None = None, overlaps: Tensor | None = None
) -> Tensor:
    """The losers of a claim become new tracks."""
    column, won = _claim(scores, priority)
    return column.masked_fill(~won, 0)


def next_best(
    scores: Tensor, priority: Tensor | None = None, overlaps: Tensor | None = None
) -> Tensor:
    """The losers of a claim go on to their next best column, in rounds.

    A round may take a track from its holder for a better rival (deferred acceptance by
    Gale and Shapley), so the result does not depend on the order of detections. It
    equals going through the pairs from the highest score down (through the
    detections from the highest priority down), each taking what is free. The rounds
    run on the host, after one copy of the scores.
    """
    duplicates = scores.new_zeros(len(scores), len(scores), dtype=torch.bool)
    return _in_rounds(scores, priority, duplicates)


def drop_duplicates(
    scores: Tensor, priority: Tensor | None = None, overlaps: Tensor | None = None
) -> Tensor:
    """As :func:`next_best`, but a loser that overlaps with the winner gets nothing.

    Only what lies on the winner is taken for a duplicate: another object that looks
    like a track far away begins one of its own.
    """
    assert overlaps is not None
    return _in_rounds(scores, priority, overlaps > DUPLICATE_OVERLAP)


def _in_rounds(scores: Tensor, priority: Tensor | None, duplicates: Tensor) -> Tensor:
    """Losers go on to their next best column; ``duplicates`` (n, n) of winners end."""
    parts = [scores, duplicates.to(scores.dtype)]
    if priority is not None:
        parts.append(priority[:, None].to(scores.dtype))
    host = torch.cat(parts, dim=1).detach().cpu()
    columns = scores.shape[1]
    duplicates = host[:, columns : columns + len(scores)].bool()
    priority = None if priority is None else host[:, -1]
    host = host[:, :columns].clone()
    dropped = torch.zeros(len(host), dtype=torch.bool)
    while True:
        column, won = _claim(host, priority)
        if won.all():
            return column.masked_fill(dropped, DROPPED).to(scores.device)
        lost = (~won).nonzero().squeeze(1)
        winner = torch.zeros(columns, dtype=torch.long)
        winner[column[won]] = won.nonzero().squeeze(1)
        ended = lost[duplicates[lost, winner[column[lost]]]]
        host[lost, column[lost]] = -torch.inf
        # Out of the game: column 0 can be had by any number.
        dropped[ended] = True
        host[ended, 1:] = -torch.inf
        host[ended, 0] = 0.0


def optimal(
    scores: Tensor, priority: Tensor | None = None, overlaps: Tensor | None = None
) -> Tensor:
    """The assignment of the highest sum of scores, "new" included (Hungarian method).

    Runs on the host, after one copy of the scores. ``priority`` has no effect.
    """
    # What a track adds to being new; nothing is lost by staying new.
    scores = scores.detach().double()
    gain = (scores[:, 1:] - scores[:, :1]).nan_to_num(nan=0.0).clamp(min=0)
    host = gain.cpu().numpy()
    rows, tracks = linear_sum_assignment(host, maximize=True)
    column = torch.zeros(len(host), dtype=torch.long)
    better = host[rows, tracks] > 0
    column[rows[better]] = torch.from_numpy(tracks[better]) + 1
    return column.to(scores.device)


def _claim(scores: Tensor, priority: Tensor | None) -> tuple[Tensor, Tensor]:
    """The best column (n,) of each detection, and whether it wins that column."""
    best, column = scores.max(1)
    value = best if priority is None else priority
    rank = value.argsort(descending=True, stable=True).argsort()
    first_rank = rank.new_full((scores.shape[1],), len(rank)).scatter_reduce(
        0, column, rank, 'amin'
    )
    return column, (column == 0) | (rank == first_rank[column])


CONFLICT_POLICIES = dict(
    drop=drop,
    new_id=new_id,
    next_best=next_best,
    drop_duplicates=drop_duplicates,
    optimal=optimal,
)
