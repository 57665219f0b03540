"""STMask's association by embeddings and mask IoU, and its supplemented tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.common.host_copies import copy_to_host
from mmvis.registry import MODELS

from .chunk_shapes import ChunkShapes, masks_compared_at_once
from .match_conflicts import CONFLICT_POLICIES, DROPPED, drop_duplicates
from .match_score import SIMILARITIES, MatchWeights, match_scores
from .shapes import Shapes, compare_shapes
from .supplement import Supplement
from .track_memory import TrackMemory

# Few numbers each: a launch for one takes longer than a host for all.
ON_HOST = ('scores', 'labels', 'embeddings')


@MODELS.register_module()
class EmbeddingMaskIoUTracker:
    """Tracker of STMask (Li et al., CVPR 2021, section 3.2, eqs. 15-17).

    A detection is matched with the track, or with "new", of the highest score
    (:func:`match_scores`, eq. 15). "New" scores epsilon, which the paper does not
    give, and wins ties (eq. 16). Tracks that no detection got are reported with the
    masks they were propagated to (eq. 17), as long as :class:`Supplement` allows.

    Other methods' scores are settings of this one:

    * MaskTrack R-CNN: similarity 'softmax', weights score 1, bbox_iou 2, label 10,
      mask_iou 0 and epsilon 10, no supplement.
    * The released STMask: 'half_cosine', weights mask_iou 1, bbox_iou 2, epsilon 1.4,
      winner 'score', min_score 0.05, min_mask_area 2, and a Supplement as by default.

    The object holds configuration only: the tracks of a video are in a
    :class:`TrackMemory` that the caller keeps. Boxes, masks and what else there is are
    compared and stay where they are; scores, labels, embeddings and ids are a few
    numbers, and stay on the host. A frame makes the host wait for the device once, and
    a second time if the detections' scores, labels and embeddings are there too.

    Args:
        match_weights (MatchWeights | dict): embedding (alpha), mask_iou (beta),
            bbox_iou, score and label.
        similarity (str): Of embeddings: 'cosine', 'half_cosine' or 'softmax'.
        epsilon (float): Score that a track must exceed to be matched.
        conflict (str): What becomes of the rivals for one track: 'drop', 'next_best',
            'drop_duplicates', 'new_id' or 'optimal'. See ``match_conflicts``.
        winner (str): Rivals are compared by their 'match' score, or by their 'score'
            as a detection.
        num_frames_retain (int, optional): A track not seen for this many frames is
            forgotten; None: never.
        supplement (Supplement | dict, optional): None: no supplemented tracks.
        min_score (float, optional): A detection is reported when its score exceeds
            this; it is remembered in any case.
        min_mask_area (int): And when its mask has this many elements above 0.5.
        embedding_momentum (float): Share, in (0, 1], of a new embedding in the one that
            a track is remembered by; 1: its latest alone.
    """

    # A head that makes none is refused when the model is built.
    compares_embeddings = True

    def __init__(
        self,
        match_weights: dict | None = None,
        similarity: str = 'cosine',
        epsilon: float = 0.3,
        conflict: str = 'drop',
        winner: str = 'match',
        num_frames_retain: int | None = 20,
        supplement: dict | None = None,
        min_score: float | None = None,
        min_mask_area: int = 0,
        embedding_momentum: float = 1.0,
    ) -> None:
        if not 0 < embedding_momentum <= 1:
            raise ValueError(
                f'embedding_momentum must be in (0, 1], but is {embedding_momentum}.'
            )
        _check_choice('similarity', similarity, SIMILARITIES)
        _check_choice('conflict', conflict, CONFLICT_POLICIES)
        _check_choice('winner', winner, ('match', 'score'))
        if isinstance(match_weights, MatchWeights):
            match_weights = vars(match_weights)
        if isinstance(supplement, Supplement):
            supplement = vars(supplement)
        self.match_weights = MatchWeights(**(match_weights or {}))
        self.similarity = similarity
        self.epsilon = epsilon
        self.conflict = CONFLICT_POLICIES[conflict]
        self.winner = winner
        self.num_frames_retain = num_frames_retain
        self.supplement = None if supplement is None else Supplement(**supplement)
        self.min_score = min_score
        self.min_mask_area = min_mask_area
        self.embedding_momentum = embedding_momentum

    def init_memory(self) -> TrackMemory:
        """A memory for a video that is about to begin."""
        return TrackMemory(self.num_frames_retain)

    def propagate(self, memory: TrackMemory, **fields: Tensor) -> None:
        """Carry the living tracks to the frame that is about to be tracked.

        Args:
            memory (TrackMemory): The video's tracks; updated. When they were last seen
                stays, and so does their score: its decay follows from that.
            **fields (Tensor): (m, ...) each, the new values of remembered fields
                (eqs. 12-14: bboxes, coefficients, masks), in the order of memory.ids.
        """
        memory.overwrite(**fields)

    def at_once(
        self, dets: InstanceData, memory: TrackMemory
    ) -> AbstractContextManager[tuple[InstanceData, Tensor, tuple[ChunkShapes]]]:
        """Compare all masks of a chunk. See ``masks_compared_at_once``."""
        return masks_compared_at_once(dets, memory, self.conflict is drop_duplicates)

    def track(
        self,
        dets: InstanceData,
        memory: TrackMemory,
        frame_id: int,
        compare: Callable[..., Shapes] = compare_shapes,
    ) -> InstanceData:
        """Give ids to the detections of one frame, and supplement missing tracks.

        Args:
            dets (InstanceData): bboxes (n, 4) xyxy in pixels of any scale that stays
                the same through the video, scores (n,), labels (n,) int64, embeddings
                (n, d) and masks (n, h, w), bool or soft, of any resolution. Further
                tensors (n, ...) are remembered too. The same fields in every frame,
                also where n is 0. A detection whose box, score or embedding is not
                finite is left out. Where masks are of another size than before, the
                remembered ones become empty.
            memory (TrackMemory): The video's tracks; updated.
            frame_id (int): Number of the frame, counting up through the video.
            compare (Callable): Compares boxes and masks, as ``compare_shapes`` does.

        Returns:
            InstanceData: All fields of the detections that got an id, in their order,
            then of the supplemented tracks by id; with instances_id (k,) int64, each
            where the detections have it, ids where these have the scores.
        """
        new = {k: v for k, v in dets.items() if k != 'instances_id'}
        device = dets.scores.device
        new |= copy_to_host({name: new[name] for name in ON_HOST if name in new})
        old, old_ids, last_seen = self._recall(memory, new)
        age = frame_id - last_seen
        shapes = compare(
            new,
            old,
            self.match_weights,
            self.min_mask_area > 0 or self.supplement is not None,
            self.conflict is drop_duplicates,
        )
        column = self._assign(new, old, memory.expired(age), shapes)
        is_new, num_dets = column == 0, len(column)
        if self.embedding_momentum < 1 and len(age):
            new['embeddings'] = self._averaged(new, old, column)

        # Detections first, then tracks: what follows are rows of these.
        fields = {k: torch.cat([new[k], old[k]]) for k in new}
        ids = torch.cat([_ids(column, old_ids, memory.next_id), old_ids])
        seen = torch.cat([torch.full_like(column, frame_id), last_seen])
        successors = _successors(column, len(age))
        missing = successors >= num_dets
        may_last = self._may_last(age, old, shapes.track_areas)
        supplemented = missing & ~memory.expired(age) & may_last
        reported = self._is_reported(column, new, shapes.areas)
        reported = torch.cat([reported, supplemented])
        # A missing track may be gone by the next frame, whichever number that has.
        living = torch.cat([~(missing & memory.expired(age + 1)), is_new])
        rows = torch.cat([successors, torch.arange(num_dets)])[living]
        kept = _rows_of(fields, rows)
        memory.replace(ids[rows], seen[rows], **kept)
        memory.next_id += int(is_new.sum())
        if self.supplement is not None:
            fields['scores'] = torch.cat([new['scores'], self._decayed(age, old)])
        rows = reported.nonzero().squeeze(1)
        result = dets.new(**_rows_of(fields, rows))
        result.instances_id = ids[rows]
        if device.type != 'cpu':
            for name in {*ON_HOST, 'instances_id'} & set(result.keys()):
                result.set_field(result[name].to(device), name)
        return result

    @staticmethod
    def _recall(
        memory: TrackMemory, new: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Fields of the living tracks, their ids and when they were last seen."""
        ids, last_seen = memory.ids, memory.last_seen
        if ids is None or last_seen is None or len(memory) == 0:
            none = new['labels'].new_zeros(0, dtype=torch.long)
            return {name: value[:0] for name, value in new.items()}, none, none
        # Those of a frame that was in a chunk are on the host.
        old = {
            name: value.to(new[name].device) if name in new else value
            for name, value in memory.fields.items()
        }
        if old.keys() != new.keys():
            raise ValueError(
                f'The detections have the fields {sorted(new)}, but those of earlier '
                f'frames had {sorted(old)}: give the same fields in every frame.'
            )
        if 'masks' in new and old['masks'].shape[1:] != new['masks'].shape[1:]:
            size = new['masks'].shape[1:]
            old['masks'] = old['masks'].new_zeros(len(memory), *size)
        return old, ids, last_seen

    def _assign(
        self,
        new: dict[str, Tensor],
        old: dict[str, Tensor],
        expired: Tensor,
        shapes: Shapes,
    ) -> Tensor:
        """Columns (n,) int64: 0 for a new track, 1 + j for track j, -1 for none."""
        dets = InstanceData(**new)
        scores = match_scores(
            *(dets, old, self.match_weights, self.similarity, self.epsilon, shapes)
        )
        finite = (
            dets.scores.isfinite() & dets.embeddings.isfinite().all(1) & shapes.finite
        )
        closed = pad(expired[None] | ~finite[:, None], (1, 0))
        scores = scores.masked_fill(closed, -torch.inf)
        priority = dets.scores.float() if self.winner == 'score' else None
        column = self.conflict(scores, priority, shapes.overlaps)
        return column.masked_fill(~finite, DROPPED)

    def _averaged(
        self, new: dict[str, Tensor], old: dict[str, Tensor], column: Tensor
    ) -> Tensor:
        """Embeddings (n, d) of the detections, mixed with those of their tracks."""
        latest = new['embeddings']
        before = old['embeddings'][(column - 1).clamp(min=0)]
        mixed = before + self.embedding_momentum * (latest - before)
        return torch.where(column[:, None] > 0, mixed, latest)

    def _is_reported(
        self, column: Tensor, dets: dict[str, Tensor], areas: Tensor | None
    ) -> Tensor:
        """Which detections (n,) are in the result."""
        reported = column != DROPPED
        if self.min_score is not None:
            reported = reported & (dets['scores'] > self.min_score)
        if self.min_mask_area > 0:
            assert areas is not None
            reported = reported & (areas >= self.min_mask_area)
        return reported

    def _may_last(
        self, age: Tensor, tracks: dict[str, Tensor], areas: Tensor | None
    ) -> Tensor:
        """Which tracks (m,) are in the result if no detection got them."""
        limits = self.supplement
        if limits is None:
            return torch.zeros_like(age, dtype=torch.bool)
        assert areas is not None
        return (
            (age <= limits.num_frames)
            & (self._decayed(age, tracks) > limits.min_score)
            & (areas >= limits.min_mask_area)
        )

    def _decayed(self, age: Tensor, tracks: dict[str, Tensor]) -> Tensor:
        """Scores (m,) of tracks whose latest detection is so many frames (m,) ago."""
        assert self.supplement is not None
        decay = self.supplement.score_decay**age
        return tracks['scores'] * decay.to(tracks['scores'].dtype)


def _ids(column: Tensor, track_ids: Tensor, next_id: int) -> Tensor:
    """Ids (n,) of the detections by their columns; of no meaning for dropped ones."""
    is_new = column == 0
    known = torch.cat([track_ids.new_zeros(1), track_ids])[column.clamp(min=0)]
    return torch.where(is_new, next_id - 1 + is_new.cumsum(0), known)


def _successors(column: Tensor, num_tracks: int) -> Tensor:
    """What each track goes on as: a row (m,) of the n detections and then m tracks.

    That is the detection that it got, or else the track as it was.
    """
    rows = torch.arange(len(column) + num_tracks, device=column.device)
    # Slot 0 takes the detections without a track.
    slots = torch.cat([rows.new_zeros(1), rows[len(column) :]])
    return slots.scatter(0, column.clamp(min=0), rows[: len(column)])[1:]


def _rows_of(fields: dict[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    """Some rows of fields, wherever these are."""
    # An upload does not wait; look-ups by an index of the host would upload for each.
    at = {device: rows.to(device) for device in {v.device for v in fields.values()}}
    return {name: value[at[value.device]] for name, value in fields.items()}


def _check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ValueError(f'{key} must be one of {list(choices)}, but is {value!r}.')
