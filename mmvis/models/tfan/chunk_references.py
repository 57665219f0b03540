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
    num_before: int,
    slot_size: int,
    num_references: int,
    min_score: float = 0.0,
) -> ReferenceProposals:
    """The t best proposals of each of B frames and of those before it, as one set.

    Args:
        table (Mapping): As :meth:`ReferenceMemory.write_frames` gives it: (rows, ...).
        num_before (int): K, how many frames before a frame count.
        slot_size (int): Rows of a frame.
        num_references (int): t.
        min_score (float): Proposals of a lower score are left out.

    Returns:
        ReferenceProposals: A set that the frames share; all rows of the table are in
        it, of which no frame sees more than t.
    """
    scores, places = table['scores'], table['bboxes']
    num_slots = len(scores) // slot_size
    frames, slots = (
        num_slots - num_before,
        torch.arange(num_slots, device=scores.device),
    )
    # Frame b is in slot K + b, and sees the slots from b on.
    age = (slots[num_before:, None] - slots).repeat_interleave(slot_size, dim=1)
    seen = scores.expand(frames, -1).masked_fill(
        (age < 0) | (age > num_before), -torch.inf
    )
    most = min(num_references, (num_before + 1) * slot_size)
    best, rows = seen.topk(most, dim=1, sorted=False)
    valid = torch.zeros_like(seen, dtype=torch.bool).scatter(1, rows, best >= min_score)
    return ReferenceProposals(
        feats={k: v for k, v in table.items() if isinstance(k, int)},
        embeddings=table['embeddings'],
        bboxes=places.expand(frames, -1, -1).masked_fill(
            (age != 0)[..., None], torch.nan
        ),
        places=places,
        valid=valid,
    )
