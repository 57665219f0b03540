"""What a segmentor finds in several frames, side by side."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.detectors import BaseDetector, TwoStageDetector
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.chunk_rcnn import (
    boxes_of_frames,
    goes_together,
    in_frame,
    makes_usual_masks,
    masks_of_frames,
    proposals_of_frames,
)
from mmvis.models.common.frame_nms import best_of_frames
from mmvis.models.common.mask_boxes import mask_boxes
from mmvis.models.trackers.match_score import mask_ious

from .query_looks import with_queries


def goes_at_once(detector: BaseDetector) -> bool:
    """Whether what follows a detector's network can be computed for a whole chunk.

    That is so of mmdet's usual two-stage detectors. The others compute the network of
    their heads for all frames together, and then go through them one by one.
    """
    own = type(detector)
    return (
        isinstance(detector, TwoStageDetector)
        and own.predict is TwoStageDetector.predict
        and goes_together(detector)
        and makes_usual_masks(detector.roi_head)
    )


class Wanted(NamedTuple):
    """What is asked for of all that a segmentor finds.

    Attributes:
        score_thr (float): The least score.
        labels (Sequence[int] | None): None: all.
        most (int): Of a frame; the best ones.
    """

    score_thr: float
    labels: Sequence[int] | None
    most: int

    def among(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Which of instances (n,) have the score and a label asked for."""
        wanted = scores >= self.score_thr
        if self.labels is not None:
            wanted = wanted & torch.isin(labels, labels.new_tensor(self.labels))
        return wanted

    def best(
        self, scores: Tensor, labels: Tensor, frame: Tensor, num_frames: int
    ) -> tuple[Tensor, list[int]]:
        """Rows (m,) of instances (n,) of frames in a row, and how many of each."""
        order = scores.argsort(descending=True, stable=True)
        if num_frames > 1:
            order = order[frame[order].argsort(stable=True)]
        steps = [(self.among(scores, labels)[order], self.most)]
        rows, counts = best_of_frames(frame[order], num_frames, steps)
        return order[rows], counts


def two_stage_instances(
    detector: Any, levels: tuple[Tensor, ...], metainfo: dict, wanted: Wanted
) -> tuple[InstanceData, list[int]]:
    """What a two-stage detector finds in B frames, as :func:`instances`."""
    roi_head = detector.roi_head
    proposals, _ = proposals_of_frames(detector.rpn_head, levels, metainfo)
    # Masks are made of those alone that are wanted.
    dets, counts = boxes_of_frames(
        *(roi_head, levels, metainfo, proposals.rois), wanted.among, wanted.most
    )
    (masks,) = masks_of_frames(roi_head, levels, metainfo, [dets])
    dets.masks, dets.bboxes = masks, in_frame(dets.bboxes, metainfo)
    return dets, counts


def instances(
    detector: BaseDetector,
    frames: Tensor,
    levels: tuple[Tensor, ...],
    metainfos: Sequence[dict],
    with_looks: bool,
    wanted: Wanted,
) -> tuple[InstanceData, list[int]]:
    """What a detector finds in B frames, of it the best, at the original size.

    Args:
        detector (BaseDetector): Of mmdet.
        frames (Tensor): (B, 3, H, W), normalised and padded.
        levels (tuple[Tensor]): (B, C_l, H_l, W_l), the features of these frames.
        metainfos (Sequence[dict]): Of each, all of one size.
        with_looks (bool): Whether instances get their ``queries`` (n, d).
        wanted (Wanted): What is asked for.

    Returns:
        tuple[InstanceData, list[int]]: bboxes (n, 4), scores (n,), labels (n,), masks
        (n, H', W') bool and frame (n,) int64; and how many each frame has.

    Raises:
        ValueError: The detector predicts no masks.
    """
    if len(metainfos) > 1 and not with_looks and goes_at_once(detector):
        return two_stage_instances(detector, levels, metainfos[0], wanted)
    samples = [DetDataSample(metainfo=metainfo) for metainfo in metainfos]
    segmentor = with_features(detector, levels)
    if with_looks:
        segmentor = with_queries(segmentor)
    segmentor.predict(frames, samples, rescale=True)
    found = [sample.get('pred_instances', InstanceData()) for sample in samples]
    if not all('masks' in part for part in found):
        raise ValueError(
            f'{type(detector).__name__} predicts no masks: TrackBySegmentation needs '
            'an instance segmentor as its detector.'
        )
    names = ['bboxes', 'scores', 'labels', *(['queries'] if with_looks else [])]
    joined = {name: torch.cat([part[name] for part in found]) for name in names}
    number = torch.arange(len(found), device=frames.device)
    sizes = [len(part.scores) for part in found]
    joined['frame'] = torch.cat(
        [own.expand(size) for own, size in zip(number, sizes, strict=True)]
    )
    rows, counts = wanted.best(
        joined['scores'], joined['labels'], joined['frame'], len(found)
    )
    # Masks are picked in each frame, so that all there are do not exist twice.
    masks, first = [], 0
    for part, size, own in zip(found, sizes, rows.split(counts), strict=True):
        if len(own):
            masks.append(part.masks[own - first].bool())
        first += size
    picked = InstanceData(**{name: value[rows] for name, value in joined.items()})
    shape = metainfos[0]['ori_shape'][:2]
    nothing = frames.new_zeros(0, *shape, dtype=torch.bool)
    # A copy of large masks, where there is something to put together.
    picked.masks = torch.cat(masks) if len(masks) > 1 else [*masks, nothing][0]
    return picked, counts


def boxes_of_instances(bboxes: Tensor, masks: Tensor) -> Tensor:
    """Boxes (n, 4) float, and those around masks (n, h, w) where there are none."""
    boxes = bboxes.float()
    # SOLO's segmentors leave the boxes zero.
    sized = (boxes[:, 2:] > boxes[:, :2]).all(1, keepdim=True)
    return torch.where(sized, boxes, mask_boxes(masks))


def unique_instances(grid: Tensor, frame: Tensor, mask_nms_thr: float | None) -> Tensor:
    """Which of masks (n, h, w), best first, are not empty and no duplicate, (n,) bool.

    Args:
        grid (Tensor): Masks of B frames, one after the other.
        frame (Tensor): (n,), which they are of.
        mask_nms_thr (float | None): IoU with a better mask of the frame that makes a
            duplicate; None: none is.
    """
    kept = grid.flatten(1).any(1)
    if mask_nms_thr is not None:
        overlaps = (mask_ious(grid, grid) > mask_nms_thr).triu(diagonal=1)
        kept = kept & ~(overlaps & (frame[:, None] == frame)).any(0)
    return kept


def with_features(detector: BaseDetector, levels: tuple[Tensor, ...]) -> BaseDetector:
    """The same detector, but one that finds its features already extracted.

    A shallow copy: modules and parameters are shared, and the detector itself is not
    touched, so that it can serve several videos at once.
    """
    view = copy.copy(detector)
    view.extract_feat = lambda batch_inputs: levels
    return view
