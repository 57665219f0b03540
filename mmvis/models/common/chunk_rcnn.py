"""mmdet's two-stage detectors for all frames of a chunk at once.

mmdet goes through images one by one behind its network. The same steps for all of them
together launch as many kernels for a chunk as for a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from .frame_nms import nms_of_frames


def goes_together(detector: Any) -> bool:
    """Whether a detector is one of mmdet's whose steps these functions take."""
    rpn, roi = detector.rpn_head, detector.roi_head
    return (
        type(rpn) is RPNHead
        and type(roi) is StandardRoIHead
        and type(roi.bbox_head).predict_by_feat is BBoxHead.predict_by_feat
        and not roi.bbox_head.custom_cls_channels
        and roi.test_cfg.get('nms') is not None
    )


def proposals_of_frames(
    head: Any, feats: Sequence[Tensor], metainfo: dict
) -> list[Tensor]:
    """What an ``RPNHead`` proposes in each of B frames: boxes (n, 4), best first.

    Args:
        head (RPNHead): Of mmdet.
        feats (Sequence[Tensor]): Levels (B, C, H_l, W_l).
        metainfo (dict): img_shape of all frames.
    """
    cfg = head.test_cfg
    scores, deltas = head(feats)
    anchors = head.prior_generator.grid_priors(
        [level.shape[-2:] for level in scores], device=feats[0].device
    )
    kept: list[tuple[Tensor, ...]] = []
    for number, level in enumerate(zip(scores, deltas, anchors, strict=True)):
        logits = level[0].permute(0, 2, 3, 1).flatten(1)
        if head.use_sigmoid_cls:
            best = logits.sigmoid()
        else:
            best = logits.unflatten(1, (-1, 2)).softmax(-1)[..., 0]
        changes = level[1].permute(0, 2, 3, 1).reshape(len(best), -1, 4)
        most = cfg.get('nms_pre', -1)
        best, rows = best.topk(min(most, best.shape[1]) if most > 0 else best.shape[1])
        changes = changes.gather(1, rows[..., None].expand(-1, -1, 4))
        of_level = torch.full_like(rows, number)
        kept.append((best, changes, level[2][rows], of_level))
    best, changes, priors, level_ids = (
        torch.cat(part, dim=1).flatten(0, 1) for part in zip(*kept, strict=True)
    )
    frame = _numbers(len(feats[0]), len(best), best.device)
    boxes = head.bbox_coder.decode(priors, changes, max_shape=metainfo['img_shape'])
    large = (boxes[:, 2:] - boxes[:, :2] > cfg.get('min_bbox_size', -1)).all(1)
    # A box or score that is not a number would spoil NMS for all.
    usable = (large & best.isfinite()).nonzero().squeeze(1)
    boxes, best, frame = boxes[usable], best[usable], frame[usable]
    chosen, counts = nms_of_frames(
        *(boxes, best, level_ids[usable], frame, len(feats[0])),
        *(cfg.nms, cfg.max_per_img),
    )
    return list(boxes[chosen].split(counts))


def boxes_of_frames(
    head: Any, feats: Sequence[Tensor], metainfo: dict, proposals: list[Tensor]
) -> tuple[InstanceData, list[int]]:
    """What ``predict_bbox`` of a ``StandardRoIHead`` finds, frame by frame.

    Args:
        head (StandardRoIHead): Of mmdet.
        feats (Sequence[Tensor]): Levels (B, C, H_l, W_l).
        metainfo (dict): img_shape of all frames.
        proposals (list[Tensor]): Boxes (n, 4) of each frame.

    Returns:
        tuple[InstanceData, list[int]]: bboxes (n, 4) in pixels of the network's input,
        scores (n,), labels (n,) int64; and how many each frame has.
    """
    rois, cfg = bbox2roi(proposals), head.test_cfg
    found = head._bbox_forward(feats, rois)
    scores = found['cls_score'].float().softmax(-1)[:, :-1]
    boxes = head.bbox_head.bbox_coder.decode(
        rois[:, 1:], found['bbox_pred'], max_shape=metainfo['img_shape']
    ).view(len(rois), -1, 4)
    row, labels = (scores > cfg.score_thr).nonzero().unbind(1)
    agnostic = boxes.shape[1] == 1
    boxes = boxes[row, 0] if agnostic else boxes[row, labels]
    scores = scores[row, labels]
    frame = rois[row, 0].long()
    kept, counts = nms_of_frames(
        boxes, scores, labels, frame, len(proposals), cfg.nms, cfg.max_per_img
    )
    dets = InstanceData(bboxes=boxes[kept], scores=scores[kept], labels=labels[kept])
    return dets, counts


def masks_of_frames(
    head: Any,
    feats: Sequence[Tensor],
    metainfo: dict,
    bboxes: Tensor,
    labels: Tensor,
    counts: list[int],
) -> Tensor:
    """Masks (n, H, W) bool of boxes (n, 4) of several frames.

    The boxes become those of the original frame, in place.
    """
    if len(bboxes) == 0:
        return bboxes.new_zeros(0, *metainfo['ori_shape'][:2], dtype=torch.bool)
    rois = bbox2roi(list(bboxes.split(counts)))
    logits = head._mask_forward(feats, rois)['mask_preds']
    return head.mask_head._predict_by_feat_single(
        logits, bboxes, labels, metainfo, head.test_cfg, rescale=True
    )


def _numbers(frames: int, rows: int, device: torch.device) -> Tensor:
    """The frame (rows,) that each of as many rows of all frames is of."""
    numbers = torch.arange(frames, device=device)
    return numbers[:, None].expand(-1, rows // frames).flatten()
