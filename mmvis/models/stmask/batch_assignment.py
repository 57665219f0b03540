"""mmdet's MaxIoUAssigner on all frames of a batch at once, with the same result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from torch import Tensor


def assigns_together(assigner: Any) -> bool:
    """Whether an assigner is mmdet's, with nothing that goes frame by frame."""
    return (
        type(assigner) is MaxIoUAssigner
        and assigner.perm_repeat_gt_cfg is None
        and assigner.gpu_assign_thr <= 0
    )


def assign_together(
    assigner: MaxIoUAssigner,
    anchors: Tensor,
    bboxes: Sequence[Tensor],
    ignored: Sequence[Tensor],
) -> Tensor:
    """``gt_inds`` (n, N) of n frames: -1 ignored, 0 negative, k + 1 the frame's k-th.

    The host does not wait for the device, as it does in mmdet for each object.

    Args:
        assigner (MaxIoUAssigner): Its settings count.
        anchors (Tensor): (N, 4) xyxy, the same of all frames.
        bboxes (Sequence[Tensor]): (g, 4) of each frame's objects.
        ignored (Sequence[Tensor]): (i, 4) of each frame's ignored objects.
    """
    counts = [len(boxes) for boxes in bboxes]
    if not any(counts):
        return anchors.new_zeros(len(counts), len(anchors), dtype=torch.long)
    overlaps = assigner.iou_calculator(torch.cat(list(bboxes)), anchors)
    overlaps, real = _by_frame(overlaps, counts)
    if assigner.ignore_iof_thr > 0 and any(len(boxes) for boxes in ignored):
        covered = _covered(assigner, anchors, ignored)
        overlaps = overlaps.masked_fill(covered[:, None], -1.0)

    largest, nearest = overlaps.max(1)
    low, high = 0.0, assigner.neg_iou_thr
    if isinstance(high, tuple):
        low, high = high
    assigned = torch.full_like(nearest, -1)
    assigned = assigned.masked_fill((largest >= low) & (largest < high), 0)
    assigned = torch.where(largest >= assigner.pos_iou_thr, nearest + 1, assigned)
    if assigner.match_low_quality:
        # Each object has the anchors that suit it best; the last object wins.
        best, anchor = overlaps.max(2)
        number = torch.arange(1, overlaps.shape[1] + 1, device=anchors.device)
        number = number * ((best >= assigner.min_pos_iou) & real)
        if assigner.gt_max_assign_all:
            forced = ((overlaps == best[..., None]) * number[..., None]).amax(1)
        else:
            forced = torch.zeros_like(assigned)
            forced = forced.scatter_reduce(1, anchor, number, 'amax')
        assigned = torch.where(forced > 0, forced, assigned)
    if min(counts) == 0:
        assigned = assigned * real.any(1, keepdim=True)
    return assigned


def _by_frame(values: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(n, G, N) of values (g, N), each frame's, and -1 up to the most; which are real.

    The table of rows is made on the host and copied once.
    """
    step = torch.arange(max(counts))
    starts = torch.tensor([0, *accumulate(counts)][:-1])[:, None]
    real = step < torch.tensor(counts)[:, None]
    rows = (starts + step).where(real, len(values))
    table = torch.stack([rows, real.long()]).to(values.device)
    blank = values.new_full((1, values.shape[1]), -1.0)
    return torch.cat([values, blank])[table[0]], table[1] > 0


def _covered(
    assigner: MaxIoUAssigner, anchors: Tensor, ignored: Sequence[Tensor]
) -> Tensor:
    """(n, N) bool, anchors that ignored objects of the frame cover."""
    boxes, counts = torch.cat(list(ignored)), [len(own) for own in ignored]
    if assigner.ignore_wrt_candidates:
        shares = assigner.iou_calculator(anchors, boxes, mode='iof').T
    else:
        shares = assigner.iou_calculator(boxes, anchors, mode='iof')
    return _by_frame(shares, counts)[0].amax(1) > assigner.ignore_iof_thr
