"""Yolact's fast non-maximum suppression: one matrix of overlaps and no loop."""

from __future__ import annotations

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor


def fast_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, top_k: int = 200
) -> Tensor:
    """Remove duplicates over all classes together.

    A box goes when any box of a higher score overlaps it by more than the threshold,
    also if that one goes itself. So a little more is removed than by the usual NMS. Of
    equal scores the first counts as the higher.

    Args:
        boxes (Tensor): (n, 4) xyxy in pixels.
        scores (Tensor): (n,) without NaN; may be negative.
        iou_threshold (float): Overlap above which a box is a duplicate.
        top_k (int): Only the best boxes take part; the others are removed.

    Returns:
        Tensor: (m,) int64 indices of the boxes that stay, best first.
    """
    order = scores.argsort(descending=True, stable=True)[:top_k]
    return order[_unique(boxes[order], iou_threshold)]


def fast_nms_per_class(
    boxes: Tensor,
    scores: Tensor,
    score_threshold: float,
    iou_threshold: float,
    top_k: int = 200,
    max_per_image: int | None = 100,
) -> tuple[Tensor, Tensor, Tensor]:
    """Remove duplicates inside each class: one box may be found for several classes.

    Args:
        boxes (Tensor): (n, 4) xyxy in pixels, shared by the classes.
        scores (Tensor): (n, C) without NaN, without background.
        score_threshold (float): Only scores above it stay.
        iou_threshold (float): As in :func:`fast_nms`.
        top_k (int): Only the best boxes of each class take part.
        max_per_image (int | None): Detections of all classes that stay; None: all.

    Returns:
        tuple[Tensor, Tensor, Tensor]: Indices into the boxes (m,) int64, labels (m,)
        int64 and scores (m,), best first.
    """
    ranked, order = scores.t().sort(dim=1, descending=True, stable=True)
    ranked, order = ranked[:, :top_k], order[:, :top_k]
    kept = _unique(boxes[order], iou_threshold) & (ranked > score_threshold)
    labels, ranks = kept.nonzero(as_tuple=True)
    scores, best = ranked[labels, ranks].sort(descending=True, stable=True)
    best = best[:max_per_image]
    labels, ranks = labels[best], ranks[best]
    return order[labels, ranks], labels, scores[:max_per_image]


def _unique(boxes: Tensor, iou_threshold: float) -> Tensor:
    """Which boxes (..., k, 4), best first, no better one overlaps: (..., k) bool."""
    # mmdet's union has a floor, so boxes without area have no overlap, and no NaN.
    overlaps = bbox_overlaps(boxes, boxes) > iou_threshold
    better = torch.ones_like(overlaps).triu(diagonal=1)
    return ~(overlaps & better).any(-2)
