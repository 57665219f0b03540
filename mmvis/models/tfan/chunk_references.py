"""The references of all frames of a chunk, as one set whose rows they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from .reference_set import ReferenceProposals

if TYPE_CHECKING:
    from .tfan import TFAN


def rows_of_frames(
    model: TFAN,
    feats: tuple[Tensor, ...],
    proposals: InstanceData,
    counts: Sequence[int],
    slot_size: int,
) -> dict[Any, Tensor]:
    """What is remembered of B frames, as ``ReferenceMemory.write_frames`` takes it.

    Args:
        model (TFAN): With an augmentation.
        feats (tuple[Tensor]): Levels (B, C, H_l, W_l).
        proposals (InstanceData): rois (n, 5) and scores (n,), one frame after the
            other, the best first.
        counts (Sequence[int]): How many are of each frame.
        slot_size (int): Rows of each frame.
    """
    rois, scores = best_in_slots(proposals.rois, proposals.scores, counts, slot_size)
    roi_feats, embeddings = model.features_of_references(feats, rois)
    new: dict[Any, Tensor] = dict(scores=scores, bboxes=rois[:, 1:])
    for name, values in [*roi_feats.items(), ('embeddings', embeddings)]:
        # What a frame does not see is multiplied by zero, which must give zero.
        new[name] = values.nan_to_num(0.0, 0.0, 0.0)
    return new


def shared_references(
    model: TFAN, table: Mapping[Any, Tensor], seen: Tensor, own: Tensor, slot_size: int
) -> ReferenceProposals | list[ReferenceProposals]:
    """The reference sets of frames that see these slots of a table.

    Args:
        model (TFAN): With an augmentation.
        table, seen, own, slot_size: Of :func:`references_of_frames`.

    Returns:
        ReferenceProposals | list[ReferenceProposals]: One set for all of them, where
        the augmentation allows it, prepared for several calls; or one a frame.
    """
    references = references_of_frames(
        *(table, seen, own, slot_size),
        *(model.num_references, model.min_reference_score),
    )
    assert model.augmentation is not None
    # A mean over the references is another for each frame.
    if getattr(model.augmentation, 'centred', False):
        return references.of_each_frame()
    return model.augmentation.prepared(references)


def best_in_slots(
    rois: Tensor, scores: Tensor, counts: Sequence[int], slot_size: int
) -> tuple[Tensor, Tensor]:
    """The best proposals of each frame, as many rows of each.

    Args:
        rois (Tensor): (n, 5) frame and xyxy of B frames, one frame after the other, the
            best first.
        scores (Tensor): (n,).
        counts (Sequence[int]): How many are of each frame.
        slot_size (int): s.

    Returns:
        tuple[Tensor, Tensor]: RoIs (B * s, 5) and scores (B * s,). Where a frame has
        fewer, RoIs are zeros and scores -inf.
    """
    fills = rois[:0], scores[:0]
    if min(counts) < slot_size:
        size = slot_size - min(counts)
        fills = rois.new_zeros(size, 5), scores.new_full((size,), -torch.inf)
    lacking = [max(slot_size - count, 0) for count in counts]
    best_rois, best_scores = (
        torch.cat(
            [
                part
                for own, missing in zip(values.split(counts), lacking, strict=True)
                for part in (own[:slot_size], fill[:missing])
            ]
        )
        for values, fill in zip((rois, scores), fills, strict=True)
    )
    return best_rois, best_scores


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
