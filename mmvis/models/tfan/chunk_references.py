"""The references of all frames of a chunk, as one set whose rows they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import pad

from .reference_set import ReferenceProposals


def best_in_slots(
    proposals: InstanceData, counts: Sequence[int], slot_size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The best proposals of each frame, as many rows of each.

    Args:
        proposals (InstanceData): bboxes (n, 4) and scores (n,) of B frames, one frame
            after the other, the best first.
        counts (Sequence[int]): How many are of each frame.
        slot_size (int): s.

    Returns:
        tuple: Boxes (B * s, 4), scores (B * s,), and RoIs (B * s, 5) with the frame.
        Where a frame has fewer, boxes are zeros and scores -inf.
    """
    device = proposals.bboxes.device
    rank, count = torch.arange(slot_size), torch.tensor(counts)[:, None]
    row = rank + count.cumsum(0) - count
    # One more stands for what is not there.
    rows = row.where(rank < count, len(proposals)).flatten().to(device)
    bboxes = pad(proposals.bboxes, (0, 0, 0, 1))[rows]
    scores = pad(proposals.scores, (0, 1), value=-torch.inf)[rows]
    frame = torch.arange(len(counts), device=device).repeat_interleave(slot_size)
    return bboxes, scores, torch.cat([frame[:, None].to(bboxes), bboxes], dim=1)


def references_of_frames(
    table: Mapping[Any, Tensor],
    seen: Tensor,
    own: Tensor,
    slot_size: int,
    num_references: int,
    min_score: float = 0.0,
) -> ReferenceProposals:
    """The t best proposals that each of B frames sees, as one set.

    Args:
        table (Mapping): scores (rows,), bboxes (rows, 4), embeddings (rows, d) and RoI
            features by their size, of slots of ``slot_size`` rows.
        seen (Tensor): (B, slots) bool on the host, the slots that a frame sees.
        own (Tensor): (B, slots) bool, which of these is its own.
        slot_size (int): Rows of a slot.
        num_references (int): t.
        min_score (float): Proposals of a lower score are left out.

    Returns:
        ReferenceProposals: A set that the frames share; all rows of the table are in
        it, of which no frame sees more than t.
    """
    scores, places = table['scores'], table['bboxes']
    hidden, of_others = (
        (~slots).repeat_interleave(slot_size, dim=1).to(scores.device)
        for slots in (seen, own)
    )
    most = min(num_references, int(seen.sum(1).max()) * slot_size)
    best, rows = (
        scores.expand(len(seen), -1)
        .masked_fill(hidden, -torch.inf)
        .topk(most, dim=1, sorted=False)
    )
    return ReferenceProposals(
        feats={k: v for k, v in table.items() if isinstance(k, int)},
        embeddings=table['embeddings'],
        bboxes=places.expand(len(seen), -1, -1).masked_fill(
            of_others[..., None], torch.nan
        ),
        places=places,
        valid=torch.zeros_like(hidden).scatter(1, rows, best >= min_score),
    )


def slots_before(num_frames: int, num_before: int) -> tuple[Tensor, Tensor]:
    """Which slots each of B frames sees, and which is its own: (B, K + B) bool.

    Args:
        num_frames (int): B; frame b is in slot K + b.
        num_before (int): K, how many frames before a frame count.
    """
    slots = torch.arange(num_before + num_frames)
    age = slots[num_before:, None] - slots
    return (age >= 0) & (age <= num_before), age == 0
