"""SG-Net's detections of frames, duplicates removed in all of them by one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmdet.models.utils import filter_scores_and_topk
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.constants import constant
from mmvis.models.common.frame_nms import nms_of_frames

from .pyramid import Locations, SGNetPyramid

if TYPE_CHECKING:
    from .head import SGNetHead


def detect_in_frames(
    head: SGNetHead,
    pyramid: SGNetPyramid,
    previous: Tensor | None,
    img_shape: tuple[int, int],
) -> tuple[InstanceData, Tensor, list[int]]:
    """What ``head.predict`` gives.

    Args:
        head (SGNetHead): Whose predictions they are.
        pyramid (SGNetPyramid): Of B frames.
        previous (Tensor | None): (B, C', N), ``tracking`` of the frame before each;
            None where there was none.
        img_shape (tuple[int, int]): Height and width without padding.
    """
    cfg = head.test_cfg
    at, labels, scores = _candidates(pyramid.logits.float().sigmoid(), cfg)
    limits = constant(pyramid.points, img_shape).expand(len(pyramid.logits), 2)
    bboxes = head.boxes(pyramid, at, limits)
    found = scores > cfg.score_thr
    scores = scores * pyramid.centerness[at].float().sigmoid()
    # A box or score that is not a number would spoil NMS for all.
    usable = (bboxes[:, 2:] > bboxes[:, :2]).all(1) & scores.isfinite() & found
    usable = usable.nonzero().squeeze(1)
    kept, counts = nms_of_frames(
        bboxes[usable],
        scores[usable],
        labels[usable],
        at.frame[usable],
        len(pyramid.logits),
        cfg.nms,
        cfg.max_per_img,
    )
    kept = usable[kept]
    at = Locations(at.frame[kept], at.index[kept])
    dets = InstanceData(
        bboxes=bboxes[kept],
        scores=scores[kept],
        labels=labels[kept],
        attention=head.attention_scores(pyramid, at).float(),
    )
    strides = pyramid.strides[at][:, None]
    dets.movements = head.movements(pyramid, previous, at).float() * strides
    dets.centers = pyramid.points[at].float()
    if cfg.center == 'box':
        dets.centers = (dets.bboxes[:, :2] + dets.bboxes[:, 2:]) / 2
    if head.conv_embed is not None:
        dets.embeddings = head.embeddings(pyramid, at)
    return dets, at.frame, counts


def _candidates(
    probabilities: Tensor, cfg: ConfigDict
) -> tuple[Locations, Tensor, Tensor]:
    """The best of each frame's (B, N, C): locations, labels and probabilities (p,).

    Of several frames also some below the threshold: their number is no question
    to the device.
    """
    if len(probabilities) == 1:
        scores, labels, index, _ = filter_scores_and_topk(
            probabilities[0], cfg.score_thr, cfg.nms_pre
        )
        return Locations(torch.zeros_like(index), index), labels, scores
    flat = probabilities.flatten(1)
    # What is not a number is not among the best.
    flat = flat.masked_fill(~(flat > cfg.score_thr), -1.0)
    scores, best = flat.topk(min(cfg.nms_pre, flat.shape[1]), dim=1)
    classes = probabilities.shape[2]
    frame = torch.arange(len(flat), device=flat.device)[:, None].expand_as(best)
    index = torch.div(best, classes, rounding_mode='floor').flatten()
    at = Locations(frame.flatten(), index)
    return at, best.flatten() - index * classes, scores.flatten()
