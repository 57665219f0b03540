"""Which track each detection gets, when several may claim the same.

Eq. 16 of STMask lets every detection choose on its own, so that two can choose one
track. Each function here is one answer. All take scores (n, 1 + m) with "new" in column
0, the winner of ties, and ``priority``: (n,) float by which rivals for a track are
compared, or None to compare their scores for that track. Equal rivals: the first wins.
All return columns (n,) int64: 0 for a new track, 1 + j for track j, -1 for a detection
that gets none. No track is given twice.
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

DROPPED = -1


def drop(scores: Tensor, priority: Tensor | None = None) -> Tensor:
    """The losers of a claim get nothing: they are taken for duplicates."""
    column, won = _claim(scores, priority)
    return column.masked_fill(~won, DROPPED)


def new_id(scores: Tensor, priority: Tensor | None = None) -> Tensor:
    """The losers of a claim become new tracks."""
    column, won = _claim(scores, priority)
    return column.masked_fill(~won, 0)


def next_best(scores: Tensor, priority: Tensor | None = None) -> Tensor:
    """The losers of a claim go on to their next best column, in rounds.

    A round may take a track from its holder for a better rival (deferred acceptance by
    Gale and Shapley), so the result does not depend on the order of detections. It
    equals going through the pairs from the highest score down (through the
    detections from the highest priority down), each taking what is free. The rounds
    run on the host, after one copy of the scores.
    """
    host = scores if priority is None else torch.cat([scores, priority[:, None]], 1)
    host = host.detach().cpu()
    if priority is None:
        host = host.clone()
    else:
        host, priority = host[:, :-1].clone(), host[:, -1]
    while True:
        column, won = _claim(host, priority)
        if won.all():
            return column.to(scores.device)
        lost = (~won).nonzero().squeeze(1)
        host[lost, column[lost]] = -torch.inf


def optimal(scores: Tensor, priority: Tensor | None = None) -> Tensor:
    """The assignment of the highest sum of scores, "new" included (Hungarian method).

    Runs on the host, after one copy of the scores. ``priority`` has no effect.
    """
    # What a track adds to being new; nothing is lost by staying new.
    scores = scores.detach().double()
    gain = (scores[:, 1:] - scores[:, :1]).nan_to_num(nan=0.0).clamp(min=0)
    gain = gain.cpu().numpy()
    rows, tracks = linear_sum_assignment(gain, maximize=True)
    column = torch.zeros(len(gain), dtype=torch.long)
    better = gain[rows, tracks] > 0
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


CONFLICT_POLICIES = dict(drop=drop, new_id=new_id, next_best=next_best, optimal=optimal)
