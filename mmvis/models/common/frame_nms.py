"""Duplicates removed in several frames by one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from mmcv.ops import batched_nms
from mmcv.ops.nms import NMSop
from torch import Tensor


def nms_of_frames(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor | None,
    frame: Tensor,
    num_frames: int,
    nms_cfg: Mapping,
    max_per_img: int | None,
    min_score: float | None = None,
    limit: float | None = None,
    wanted: Callable[[Tensor], Tensor] | None = None,
    most_wanted: int | None = None,
    frame_size: Sequence[int] | None = None,
) -> tuple[Tensor, list[int]]:
    """The boxes that stay, frame by frame, best first.

    The host waits for the device twice, to learn how many stay.

    Args:
        boxes (Tensor): (n, 4) xyxy in pixels, finite.
        scores (Tensor): (n,).
        labels (Tensor | None): (n,) int64, boxes of different labels being no
            duplicates; None: all are rivals.
        frame (Tensor): (n,) int64, below ``num_frames``.
        num_frames (int): B.
        nms_cfg (Mapping): Of mmcv's ``batched_nms``: ``type``, ``iou_threshold``, ...
        max_per_img (int | None): Boxes of a frame that stay; None, or mmdet's -1: all.
        min_score (float | None): Scores of those must exceed it.
        limit (float | None): What boxes reach beyond -limit and 2 * limit is no
            matter where frames are compared; for boxes that are not clipped.
        wanted (Callable | None): Which (m,) bool of those that stay, by their indices
            (m,), are asked for.
        most_wanted (int | None): At most so many of these a frame.
        frame_size (Sequence[int] | None): Height and width that no box reaches out of;
            None: the device is to find what boxes span.

    Returns:
        tuple[Tensor, list[int]]: (m,) int64 indices, and how many are of each frame.
    """
    cfg = dict(nms_cfg)
    max_per_img = no_limit_below_zero(max_per_img)
    if len(boxes) == 0:
        return frame, [0] * num_frames
    if num_frames == 1:
        kept = _nms_of_one(boxes, scores, labels, cfg)[:max_per_img]
        if min_score is not None:
            kept = kept[(scores[kept] > min_score).nonzero().squeeze(1)]
        if wanted is not None:
            kept = kept[wanted(kept).nonzero().squeeze(1)][:most_wanted]
        return kept, [len(kept)]
    if cfg.get('type', 'nms') == 'nms' and cfg.keys() <= {'type', 'iou_threshold'}:
        # Boxes of different frames and labels are moved apart, along an axis each: a
        # large coordinate has few digits for what is behind the point.
        near = boxes.float()
        if limit is not None:
            near = near.clamp(-limit, 2 * limit)
        span: Tensor | float
        if frame_size is None:
            span = near.amax() - near.amin() + 1
        else:
            span = float(max(frame_size) + 1)
        right = torch.zeros_like(frame) if labels is None else labels
        shift = torch.stack([right, frame], dim=1) * span
        moved = (near.unflatten(1, (2, 2)) + shift[:, None]).flatten(1)
        # What mmcv's nms makes of them, boxes side by side with scores, is not needed.
        threshold = float(cfg['iou_threshold'])
        kept = NMSop.apply(moved, scores.float(), threshold, 0, 0, -1)
    else:
        parts = []
        for number in range(num_frames):
            own = (frame == number).nonzero().squeeze(1)
            group = None if labels is None else labels[own]
            parts.append(own[_nms_of_one(boxes[own], scores[own], group, cfg)])
        kept = torch.cat(parts)
    if min_score is not None:
        # As of a frame behind the last one, which nobody asks for.
        frame = frame.where(scores > min_score, num_frames)
    frame, order = frame[kept].sort(stable=True)
    kept = kept[order]
    if wanted is None:
        return first_of_frames(kept, frame, num_frames, max_per_img)
    steps = [(None, max_per_img), (wanted(kept), most_wanted)]
    rows, counts = best_of_frames(frame, num_frames, steps)
    return kept[rows], counts


def no_limit_below_zero(most: int | None) -> int | None:
    """A number of boxes, None for all of them; mmdet's word for that is -1."""
    return None if most is None or most < 0 else most


def first_of_frames(
    values: Tensor, frame: Tensor, num_frames: int, most: int | None
) -> tuple[Tensor, list[int]]:
    """The first so many values of each frame.

    The host waits for the device once, to learn where frames begin.

    Args:
        values (Tensor): (n, ...).
        frame (Tensor): (n,) int64, ascending; what is not below ``num_frames`` is left
            out.
        num_frames (int): B.
        most (int | None): Values of a frame that stay; None: all.

    Returns:
        tuple[Tensor, list[int]]: (m, ...), and how many are of each frame.
    """
    numbers = torch.arange(num_frames + 1, device=frame.device)
    bounds = torch.searchsorted(frame, numbers).tolist()
    counts = [stop - start for start, stop in pairwise(bounds)]
    if most is None or max(counts) <= most:
        return values[: bounds[-1]], counts
    counts = [min(count, most) for count in counts]
    firsts = zip(bounds, counts, strict=False)
    return torch.cat([values[start : start + count] for start, count in firsts]), counts


def best_of_frames(
    frame: Tensor, num_frames: int, steps: Sequence[tuple[Tensor | None, int | None]]
) -> tuple[Tensor, list[int]]:
    """The first so many rows of each frame, of those that are good.

    The host waits for the device once, to learn how many these are.

    Args:
        frame (Tensor): (n,) int64, ascending, below ``num_frames``.
        num_frames (int): B.
        steps (Sequence[tuple]): One after the other: which rows (n,) bool are good,
            None for all; and how many of a frame stay, None for all.

    Returns:
        tuple[Tensor, list[int]]: (m,) int64 rows, and how many are of each frame.
    """
    is_of = frame == torch.arange(num_frames, device=frame.device)[:, None]
    for good, most in steps:
        if good is not None:
            is_of = is_of & good
        if most is not None:
            is_of = is_of & (is_of.cumsum(1) <= most)
    counts = is_of.sum(1).tolist()
    first = is_of.any(0).byte().argsort(descending=True, stable=True)
    return first[: sum(counts)], counts


def _nms_of_one(
    boxes: Tensor, scores: Tensor, labels: Tensor | None, cfg: dict
) -> Tensor:
    if len(boxes) == 0:
        return torch.arange(0, device=boxes.device)
    if labels is None:
        # From split_thr boxes on, 10,000 by default, mmcv goes class by class.
        cfg = cfg | dict(split_thr=len(boxes) + 1, class_agnostic=True)
        labels = torch.zeros_like(scores, dtype=torch.long)
    _, kept = batched_nms(boxes, scores, labels, cfg)
    return kept
