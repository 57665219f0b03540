"""STMask's association by embeddings and mask IoU, and its supplemented tracks.

``mmvis.models.trackers.EmbeddingMaskIoUTracker`` in numpy, with all its settings; what
they mean is said there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .boxes import overlaps as box_overlaps
from .conflicts import DROPPED, assign
from .track_memory import TrackMemory

Fields = dict[str, np.ndarray]


class EmbeddingTracker:
    """Ids for the detections of each frame.

    Args:
        settings (dict): The tracker's of the config, defaults filled in.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    def init_memory(self) -> TrackMemory:
        """A memory for a video that is about to begin."""
        return TrackMemory(self.settings['num_frames_retain'])

    def track(self, dets: Fields, memory: TrackMemory, frame_id: int) -> Fields:
        """Give ids to the detections of a frame, and supplement missing tracks.

        Args:
            dets: bboxes (n, 4), scores (n,), labels (n,), embeddings (n, d), masks
                (n, h, w) soft, and what else is to be remembered.
            memory: The video's tracks; updated.
            frame_id: Number of the frame.

        Returns:
            dict: All fields of the reported detections, then of supplemented tracks,
            with 'ids'.
        """
        old, count = self._recall(memory, dets), len(dets['scores'])
        age = frame_id - memory.last_seen
        column = self._assign(dets, old, memory.expired(age))
        if self.settings['embedding_momentum'] < 1 and len(age):
            dets = dict(dets, embeddings=self._averaged(dets, old, column))
        new = column == 0
        ids = np.concatenate([_ids(column, memory), memory.ids])
        fields = {name: np.concatenate([dets[name], old[name]]) for name in dets}
        seen = np.concatenate([np.full(count, frame_id, np.int64), memory.last_seen])

        # What each track goes on as: the detection that it got, or itself.
        rows = count + np.arange(len(age))
        got = np.flatnonzero(column > 0)
        rows[column[got] - 1] = got
        missing = rows >= count
        supplemented = missing & ~memory.expired(age) & self._may_last(age, old)
        reported = np.concatenate([self._is_reported(column, dets), supplemented])
        if self.settings['supplement'] is not None:
            decayed = self._decayed(age, old)
            scores = np.concatenate([dets['scores'], decayed])
        else:
            scores = fields['scores']

        # A missing track may be gone by the next frame, whichever number that has.
        kept = rows[~(missing & memory.expired(age + 1))]
        kept = np.concatenate([kept, np.flatnonzero(new)])
        memory.next_id += int(new.sum())
        memory.ids, memory.last_seen = ids[kept], seen[kept]
        memory.fields = {name: value[kept] for name, value in fields.items()}
        result = {name: value[reported] for name, value in fields.items()}
        return dict(result, scores=scores[reported], ids=ids[reported])

    @staticmethod
    def _recall(memory: TrackMemory, dets: Fields) -> Fields:
        """Fields of the living tracks; empty masks where their size has changed."""
        if not len(memory):
            return {name: value[:0] for name, value in dets.items()}
        old = dict(memory.fields)
        size = dets['masks'].shape[1:]
        if old['masks'].shape[1:] != size:
            old['masks'] = np.zeros((len(memory), *size), np.float32)
        return old

    def _assign(self, dets: Fields, old: Fields, expired: np.ndarray) -> np.ndarray:
        with np.errstate(invalid='ignore', divide='ignore'):
            scores = self.match_scores(dets, old)
        finite = (
            np.isfinite(dets['scores'])
            & np.isfinite(dets['embeddings']).all(1)
            & np.isfinite(dets['bboxes']).all(1)
        )
        scores[:, 1:][expired[None] | ~finite[:, None]] = -np.inf
        priority = dets['scores'] if self.settings['winner'] == 'score' else None
        shared = None
        if self.settings['conflict'] == 'drop_duplicates':
            shared = _mask_overlaps(dets['masks'])
        column = assign(self.settings['conflict'], scores, priority, shared)
        column[~finite] = DROPPED
        return column

    def match_scores(self, dets: Fields, old: Fields) -> np.ndarray:
        """Scores (n, 1 + m) of each detection for "new" and for each track."""
        weights, kind = self.settings['match_weights'], self.settings['similarity']
        similar, new = _similarity(dets['embeddings'], old['embeddings'], kind)
        scores = weights['embedding'] * similar
        new = weights['embedding'] * new + self.settings['epsilon']
        if weights['mask_iou']:
            scores = scores + weights['mask_iou'] * mask_ious(
                dets['masks'], old['masks']
            )
        if weights['bbox_iou']:
            shared = box_overlaps(dets['bboxes'], old['bboxes'])
            scores = scores + weights['bbox_iou'] * shared
        if weights['label']:
            same = dets['labels'][:, None] == old['labels'][None]
            scores = scores + weights['label'] * same
        if weights['score']:
            own = dets['scores']
            own = np.log(own) if kind == 'softmax' else own
            scores = scores + weights['score'] * own[:, None]
            new = new + weights['score'] * own[:, None]
        scores = np.where(np.isnan(scores), -np.inf, scores)
        return np.concatenate([new, scores], axis=1).astype(np.float32)

    def _averaged(self, dets: Fields, old: Fields, column: np.ndarray) -> np.ndarray:
        latest = dets['embeddings']
        before = old['embeddings'][(column - 1).clip(min=0)]
        share = np.float32(self.settings['embedding_momentum'])
        return np.where(column[:, None] > 0, before + share * (latest - before), latest)

    def _is_reported(self, column: np.ndarray, dets: Fields) -> np.ndarray:
        reported = column != DROPPED
        if self.settings['min_score'] is not None:
            reported &= dets['scores'] > self.settings['min_score']
        if self.settings['min_mask_area'] > 0:
            reported &= _areas(dets['masks']) >= self.settings['min_mask_area']
        return reported

    def _may_last(self, age: np.ndarray, tracks: Fields) -> np.ndarray:
        limits = self.settings['supplement']
        if limits is None:
            return np.zeros(len(age), bool)
        return (
            (age <= limits['num_frames'])
            & (self._decayed(age, tracks) > limits['min_score'])
            & (_areas(tracks['masks']) >= limits['min_mask_area'])
        )

    def _decayed(self, age: np.ndarray, tracks: Fields) -> np.ndarray:
        decay = self.settings['supplement']['score_decay'] ** age.astype(np.float32)
        return tracks['scores'] * decay.astype(np.float32)


def mask_ious(masks: np.ndarray, track_masks: np.ndarray) -> np.ndarray:
    """IoU (n, m) float32 of masks (n, h, w) and (m, h, w), on where they exceed 0.5."""
    first, second = (_flat(each) for each in (masks, track_masks))
    shared = first @ second.T
    union = first.sum(1)[:, None] + second.sum(1)[None] - shared
    return shared / union.clip(min=1)


def _mask_overlaps(masks: np.ndarray) -> np.ndarray:
    """How much of the smaller of two masks (n, h, w) both have: (n, n)."""
    flat = _flat(masks)
    areas = flat.sum(1)
    return (flat @ flat.T) / np.minimum(areas[:, None], areas[None]).clip(min=1)


def _similarity(
    first: np.ndarray, second: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities (n, m) of embeddings, and that of "new" (n, 1)."""
    if kind == 'softmax':
        dots = np.pad(first @ second.T, ((0, 0), (1, 0)))
        dots[np.isnan(dots)] = -np.inf
        dots = dots - dots.max(1, keepdims=True)
        log_p = dots - np.log(np.exp(dots).sum(1, keepdims=True))
        return log_p[:, 1:], log_p[:, :1]
    cosine = normalized(first) @ normalized(second).T
    if kind == 'half_cosine':
        cosine = (cosine + 1) / 2
    return cosine, np.zeros((len(first), 1), np.float32)


def normalized(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) of length 1."""
    length = np.sqrt((vectors**2).sum(1, keepdims=True))
    return vectors / np.maximum(length, np.float32(1e-12))


def _flat(masks: np.ndarray) -> np.ndarray:
    # Not -1: numpy cannot tell what it is where there is no mask.
    size = masks.shape[1] * masks.shape[2]
    return (masks > 0.5).reshape(len(masks), size).astype(np.float32)


def _areas(masks: np.ndarray) -> np.ndarray:
    return (masks > 0.5).sum((1, 2))


def _ids(column: np.ndarray, memory: TrackMemory) -> np.ndarray:
    """Ids (n,) of the detections by their columns; of no meaning for dropped ones."""
    new = column == 0
    known = np.concatenate([np.zeros(1, np.int64), memory.ids])[column.clip(min=0)]
    return np.where(new, memory.next_id - 1 + new.cumsum(), known)
