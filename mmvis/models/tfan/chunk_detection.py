"""The instances of frames that come together, and what is looked at of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.chunk_rcnn import boxes_of_frames, in_frame, rois_of
from mmvis.models.common.frame_groups import groups_that_fit
from mmvis.models.common.mask_pasting import masks_in_frame, paste_masks
from mmvis.models.trackers.track_frames import track_frames
from mmvis.models.trackers.track_memory import TrackMemory

from .augmented_roi_extractor import Augmentation, AugmentedFeatures
from .reference_set import ReferenceProposals

if TYPE_CHECKING:
    from .tfan import TFAN

# Cells of the grid in which masks are compared are so many pixels wide.
MATCHING_STRIDE = 4
# There is a weight for each RoI of all frames and each reference of all of them, so
# that they grow with the square of the frames.
FRAMES_AT_ONCE = 8


def parts_of(num_frames: int) -> Iterator[slice]:
    """Frames in a row that are augmented together, in parts of about one length."""
    parts = math.ceil(num_frames / FRAMES_AT_ONCE)
    ends = [num_frames * part // parts for part in range(parts + 1)] if parts else []
    yield from map(slice, ends[:-1], ends[1:])


def detect_in_frames(
    model: TFAN,
    feats: tuple[Tensor, ...],
    proposals: InstanceData,
    references: ReferenceProposals | list[ReferenceProposals] | None,
    metainfos: Sequence[dict],
    tracks: TrackMemory,
) -> Iterator[InstanceData]:
    """Detect in all frames, track, make all masks.

    Args:
        model (TFAN): Of whose detector all steps are known.
        feats (tuple[Tensor]): Levels (B, C, H_l, W_l).
        proposals (InstanceData): bboxes (n, 4), and frame (n,).
        references (ReferenceProposals | list | None): What augments them.
        metainfos (Sequence[dict]): Of the frames, all of one size.
        tracks (TrackMemory): Of the video; updated.
    """
    roi_head, first = model.detector.roi_head, metainfos[0]
    seen = _as_seen_by(proposals, feats, model.augmentation, references)
    dets, counts = boxes_of_frames(roi_head, seen, first, proposals.rois)
    seen = _as_seen_by(dets, feats, model.augmentation, references)
    _, masks = look(model, seen, dets, first)
    bboxes = dets.bboxes
    del dets.frame
    tracked = list(
        track_frames(model.tracker, dets, counts, tracks, metainfos, with_masks=False)
    )
    pixels = math.prod(first['ori_shape'][:2])
    for group in groups_that_fit(tracked, lambda frame: len(frame) * pixels):
        rows = torch.cat([frame.rows for frame in group]).to(bboxes.device)
        pasted = masks_in_frame(
            masks[rows], bboxes[rows], first, roi_head.test_cfg.mask_thr_binary
        ).split([len(frame) for frame in group])
        for frame, own in zip(group, pasted, strict=True):
            del frame.embeddings, frame.rows
            frame.bboxes = in_frame(frame.bboxes, first)
            frame.masks = own
            yield frame


def _as_seen_by(
    boxes: InstanceData,
    feats: tuple[Tensor, ...],
    augmentation: Augmentation | None,
    references: ReferenceProposals | list[ReferenceProposals] | None,
) -> tuple[Tensor, ...]:
    """Feature maps, with what augments RoIs of the frames (n,) that boxes are of."""
    if augmentation is None or references is None:
        return feats
    if isinstance(references, ReferenceProposals):
        references = references.of_rois(boxes.frame)
    return AugmentedFeatures(feats, augmentation, references)


def look(
    model: TFAN, feats: tuple[Tensor, ...], dets: InstanceData, metainfo: dict
) -> tuple[Tensor, Tensor]:
    """Give detections what the tracker compares.

    Args:
        model (TFAN): Of whose heads they are.
        feats (tuple[Tensor]): Levels (B, C, H_l, W_l).
        dets (InstanceData): bboxes (n, 4), labels (n,) and frame (n,); embeddings,
            masks on the grid and rows (n,) are added.
        metainfo (dict): batch_input_shape.

    Returns:
        tuple[Tensor, Tensor]: Their masks (n, classes, s, s), and those of their own
        labels (n, s, s): probabilities.
    """
    roi_head, rois = model.detector.roi_head, rois_of(dets)
    extractor = model.track_head.roi_extractor
    embed_head = model.track_head.embed_head
    roi_feats = extractor(feats[: extractor.num_inputs], rois)
    (dets.embeddings,) = embed_head.extract_feat(roi_feats, [len(dets)])
    of_all = roi_head.mask_probabilities(feats, rois)
    masks = roi_head.of_labels(of_all, dets.labels)
    height, width = metainfo['batch_input_shape']
    dets.masks = paste_masks(
        masks,
        dets.bboxes,
        (-(-height // MATCHING_STRIDE), -(-width // MATCHING_STRIDE)),
        (MATCHING_STRIDE, MATCHING_STRIDE),
    )
    # Masks are made afterwards, of those that are kept.
    dets.rows = torch.arange(len(dets), device=dets.bboxes.device)
    return of_all, masks
