"""Trackers that are compared: functions of a frame's number and detections to ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mmvis.tracking import MaskTracker

from .noisy_detections import Frame

Tracker = Callable[[int, Frame], np.ndarray]


def runs(
    settings: dict[str, Any], old: bool = True
) -> dict[str, Callable[[], Tracker]]:
    """Name to a maker of a tracker for one video."""
    made: dict[str, Callable[[], Tracker]] = {
        'the truth': lambda: _true_ids,
        'MaskTracker': lambda: _mask_tracker(settings, True),
        'without looks': lambda: _mask_tracker(settings, False),
    }
    if old:
        made['as before'] = lambda: _embedding_tracker(embedding=1.0)
        made['before, no looks'] = lambda: _embedding_tracker(embedding=0.0)
    return made


def _true_ids(t: int, frame: Frame) -> np.ndarray:
    ids = np.full(len(frame.owners), -1)
    owners, first = np.unique(frame.owners, return_index=True)
    ids[first] = owners  # the better one of duplicates comes first
    return ids


def _mask_tracker(settings: dict[str, Any], looks: bool) -> Tracker:
    tracker = MaskTracker(**settings)

    def run(t: int, frame: Frame) -> np.ndarray:
        shown = frame.looks if looks else None
        return tracker.update(frame.masks, frame.scores, frame.labels, looks=shown)

    return run


def _embedding_tracker(embedding: float) -> Tracker:
    """EmbeddingMaskIoUTracker with the settings that TrackBySegmentation had."""
    import torch
    from mmengine.structures import InstanceData

    import mmvis.models  # noqa: F401
    from mmvis.models.common.mask_boxes import mask_boxes
    from mmvis.models.trackers import EmbeddingMaskIoUTracker

    tracker = EmbeddingMaskIoUTracker(
        match_weights=dict(embedding=embedding, mask_iou=1.0, bbox_iou=1.0, label=1.0),
        similarity='cosine',
        epsilon=1.2,
        conflict='drop_duplicates',
        num_frames_retain=30,
        embedding_momentum=0.5,
    )
    memory = tracker.init_memory()

    def run(t: int, frame: Frame) -> np.ndarray:
        masks = torch.from_numpy(frame.masks)
        dets = InstanceData(
            bboxes=mask_boxes(masks),
            scores=torch.from_numpy(frame.scores).float(),
            labels=torch.from_numpy(frame.labels),
            masks=masks,
            embeddings=torch.from_numpy(frame.looks).float(),
            index=torch.arange(len(masks)),
        )
        tracked = tracker.track(dets, memory, t)
        ids = np.full(len(masks), -1)
        ids[tracked.index.numpy()] = tracked.instances_id.numpy()
        return ids

    return run
