"""The association of MaskTrack R-CNN, vectorised and with bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.trackers.track_memory import TrackMemory
from mmvis.registry import MODELS


@MODELS.register_module()
class MaskTrackRCNNTracker:
    """Tracker of MaskTrack R-CNN (Yang et al., ICCV 2019, section 4.3, eq. 3).

    A detection is matched with the track, or with "new", of the highest

        log p + alpha * log(detection score) + beta * box IoU + gamma * same label,

    p being the softmax over the dot products of its embedding with those of all tracks
    and a zero for "new". A track that several detections claim goes to the one of the
    highest score; the others are dropped, as the original does. (mmdet's tracker of
    the same name gives the track to more than one of them when the better one comes
    later in the list.)

    The object holds configuration only: the tracks of a video are in a
    :class:`TrackMemory` that the caller keeps.

    Args:
        match_weights (MatchWeights | dict): det_score (alpha), iou (beta) and
            det_label (gamma).
        num_frames_retain (int): A track not seen for this many frames is forgotten.
    """

    # A head that makes none is refused when the model is built.
    compares_embeddings = True
    # Numbers on the host are all it needs.
    reads_host = True

    def __init__(
        self, match_weights: dict | None = None, num_frames_retain: int = 20
    ) -> None:
        self.match_weights = MatchWeights(**(match_weights or {}))
        self.num_frames_retain = num_frames_retain

    def init_memory(self) -> TrackMemory:
        """A memory for a video that is about to begin."""
        return TrackMemory(self.num_frames_retain)

    def track(
        self, dets: InstanceData, memory: TrackMemory, frame_id: int
    ) -> InstanceData:
        """Give ids to the detections of one frame.

        Args:
            dets (InstanceData): bboxes (n, 4) xyxy in pixels of any scale that stays
                the same through the video, scores (n,), labels (n,) int64 and
                embeddings (n, d).
            memory (TrackMemory): The video's tracks; updated.
            frame_id (int): Number of the frame, counting up through the video.

        Returns:
            InstanceData: The detections that got an id, with instances_id (k,) int64.
        """
        memory.to(dets.labels.device)
        memory.retire(frame_id)
        if len(memory) == 0:
            ids = memory.new_ids(len(dets), like=dets.labels)
            tracked = dets.new()
        else:
            kept, ids = self._assign(self.match_scores(dets, memory), memory)
            tracked = dets[kept]
        tracked.instances_id = ids
        memory.update(
            ids,
            frame_id,
            bboxes=tracked.bboxes,
            labels=tracked.labels,
            embeddings=tracked.embeddings,
        )
        return tracked

    def match_scores(self, dets: InstanceData, memory: TrackMemory) -> Tensor:
        """Scores (n, 1 + m) of each detection for "new" and for each track."""
        logits = dets.embeddings @ memory['embeddings'].T
        log_p = _with_new_column(logits, 0.0).log_softmax(1)
        iou = bbox_overlaps(dets.bboxes, memory['bboxes'])
        same_label = (dets.labels[:, None] == memory['labels'][None]).to(iou.dtype)
        weights = self.match_weights
        return (
            log_p
            + weights.det_score * dets.scores.log()[:, None]
            + weights.iou * _with_new_column(iou, 0.0)
            + weights.det_label * _with_new_column(same_label, 1.0)
        )

    @staticmethod
    def _assign(scores: Tensor, memory: TrackMemory) -> tuple[Tensor, Tensor]:
        """Positions (k,) of the kept detections, ascending, and their ids (k,)."""
        best, column = scores.max(1)
        is_new = column == 0
        # The winner of a column: the highest score, the first of equals.
        rank = best.argsort(descending=True, stable=True).argsort()
        first_rank = rank.new_full((scores.shape[1],), len(best)).scatter_reduce(
            0, column, rank, 'amin'
        )
        keep = is_new | (rank == first_rank[column])
        order = is_new.long().cumsum(0) - 1
        fresh = memory.new_ids(int(is_new.sum()), like=column)
        assert memory.ids is not None
        known = memory.ids[(column - 1).clamp(min=0)]
        if len(fresh):
            known = torch.where(is_new, fresh[order.clamp(min=0)], known)
        # By positions: each look-up by a bool tensor would make the host wait.
        kept = keep.nonzero().squeeze(1)
        return kept, known[kept]


@dataclass
class MatchWeights:
    """Weights of eq. 3 of MaskTrack R-CNN: alpha, beta and gamma."""

    det_score: float = 1.0
    iou: float = 2.0
    det_label: float = 10.0


def _with_new_column(matrix: Tensor, value: float) -> Tensor:
    return torch.cat([matrix.new_full((len(matrix), 1), value), matrix], dim=1)
