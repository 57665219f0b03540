"""Which proposals of which frames augment the RoI features of a key frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from .reference_set import ReferenceProposals


class SelectedProposals(NamedTuple):
    """The best proposals of the frames of each clip.

    Attributes:
        rois (Tensor): (n, 5) frame of the batch and xyxy, clip after clip.
        key_bboxes (Tensor): (n, 4) the boxes of those of key frames, NaN elsewhere.
        scores (Tensor): (n,).
        counts (list[int]): How many each clip has.
    """

    rois: Tensor
    key_bboxes: Tensor
    scores: Tensor
    counts: list[int]


def select_references(
    proposals: Sequence[Sequence[InstanceData]], num_references: int
) -> SelectedProposals:
    """The t proposals of the highest score of all frames of a clip (section 2.2).

    Args:
        proposals (Sequence): Of each frame of a clip, key frame first, and of each clip
            in that frame: bboxes (n, 4), scores (n,). The frames' numbers in the batch
            count in this order.
        num_references (int): t, at most so many a clip.
    """
    num_clips = len(proposals[0])
    rois, key_bboxes, best_scores, counts = [], [], [], []
    for clip in range(num_clips):
        frames = [frame[clip] for frame in proposals]
        scores = torch.cat([frame.scores for frame in frames])
        best = scores.topk(min(num_references, len(scores))).indices
        bboxes = torch.cat([frame.bboxes for frame in frames])[best]
        numbers = torch.cat(
            [
                bboxes.new_full((len(frame), 1), t * num_clips + clip)
                for t, frame in enumerate(frames)
            ]
        )[best]
        of_key = best[:, None] < len(frames[0])
        rois.append(torch.cat([numbers, bboxes], dim=1))
        key_bboxes.append(bboxes.masked_fill(~of_key, torch.nan))
        best_scores.append(scores[best])
        counts.append(len(best))
    return SelectedProposals(
        torch.cat(rois), torch.cat(key_bboxes), torch.cat(best_scores), counts
    )


class ReferenceMemory:
    """The best proposals of some frames of one video: their scores and features.

    Each frame has a slot of fixed size, so that nothing grows with the video, and no
    copy but that of the t selected is made a frame.

    Args:
        num_slots (int): Frames that are remembered, the key frame among them.
        slot_size (int): Proposals of a frame that may become references.

    Attributes:
        oldest (int): The slot behind the one that was written last, the first slot
            coming behind the last.
    """

    def __init__(self, num_slots: int, slot_size: int) -> None:
        self.num_slots, self.slot_size = num_slots, slot_size
        self.oldest = 0
        self._fields: dict[str | int, Tensor] = {}

    @property
    def num_bytes(self) -> int:
        """Bytes that the memory takes."""
        return sum(field.nbytes for field in self._fields.values())

    def write(
        self,
        slot: int,
        scores: Tensor,
        bboxes: Tensor,
        embeddings: Tensor,
        feats: Mapping[int, Tensor],
    ) -> None:
        """Put the n <= slot_size best proposals of a frame into a slot.

        Args:
            slot (int): What was in it is forgotten.
            scores (Tensor): (n,) by which references are selected.
            bboxes (Tensor): (n, 4) xyxy.
            embeddings (Tensor): (n, d), f_e of the features.
            feats (Mapping[int, Tensor]): (n, C, s, s) for each size s.
        """
        new: dict[Any, Tensor] = dict(scores=scores, bboxes=bboxes)
        new['embeddings'] = embeddings
        new.update(feats)
        self._make_room(new)
        self.clear(slot)
        self.oldest = (slot + 1) % self.num_slots
        start = slot * self.slot_size
        for name, value in new.items():
            self._fields[name][start : start + len(value)] = value

    def _make_room(self, new: Mapping[Any, Tensor]) -> None:
        if not self._fields:
            rows = self.num_slots * self.slot_size
            self._fields = {k: v.new_zeros(rows, *v.shape[1:]) for k, v in new.items()}
            self._fields['scores'].fill_(-torch.inf)

    def write_frames(self, new: Mapping[Any, Tensor]) -> dict[Any, Tensor]:
        """Remember the best proposals of consecutive frames, forget the oldest.

        Slots are in order of time afterwards.

        Args:
            new (Mapping): (B * slot_size, ...) each, as :meth:`write` has them by name,
                features by their size. Rows without a proposal have score -inf.

        Returns:
            dict: The same of the last ``num_slots - 1`` frames before, in order of
            time, and then of these.
        """
        self._make_room(new)
        start, size, table = self.oldest * self.slot_size, self.slot_size, {}
        for name, value in new.items():
            field = self._fields[name]
            table[name] = torch.cat([field[start + size :], field[:start], value])
            field.copy_(table[name][-len(field) :])
        self.oldest = 0
        return table

    def with_rows(self, num_slots: int, new: Mapping[Any, Tensor]) -> dict[Any, Tensor]:
        """The rows of the first so many slots, and then others, which are not kept."""
        self._make_room(new)
        count = num_slots * self.slot_size
        return {k: torch.cat([self._fields[k][:count], v]) for k, v in new.items()}

    def clear(self, slot: int) -> None:
        """Leave the frame of a slot out."""
        if self._fields:
            start = slot * self.slot_size
            self._fields['scores'][start : start + self.slot_size] = -torch.inf

    def select(
        self, num_references: int, key_slot: int, min_score: float = 0.0
    ) -> ReferenceProposals:
        """The t best proposals of all slots as references of the frame of one slot.

        Args:
            num_references (int): t.
            key_slot (int): Slot of the key frame; it has been written.
            min_score (float): Proposals of a lower score are left out.
        """
        fields = self._fields
        scores, rows = fields['scores'].topk(
            min(num_references, len(fields['scores'])), sorted=False
        )
        of_key = (rows // self.slot_size == key_slot)[:, None]
        feats = {k: v[rows] for k, v in fields.items() if isinstance(k, int)}
        return ReferenceProposals(
            feats=feats,
            embeddings=fields['embeddings'][rows],
            bboxes=fields['bboxes'][rows].masked_fill(~of_key, torch.nan),
            places=fields['bboxes'][rows],
            valid=scores >= min_score,
        )
