"""mmdet's two-stage detectors for all frames of a chunk at once.

mmdet goes through images one by one behind its network. The same steps for all of them
together launch as many kernels for a chunk as for a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.structures import InstanceData
from torch import Tensor

from .constants import kept
from .delta_decoding import decode_deltas
from .frame_nms import nms_of_frames
from .mask_pasting import masks_in_frame

# What a RoI head of mmdet may not have of its own.
_STEPS = ('predict', 'predict_bbox', '_bbox_forward')
_MASK_STEPS = ('predict_mask', '_mask_forward')


def goes_together(detector: Any) -> bool:
    """Whether a detector is one of mmdet's whose steps these functions take."""
    rpn: Any = getattr(detector, 'rpn_head', None)
    roi: Any = getattr(detector, 'roi_head', None)
    bases = [
        base for base in (CascadeRoIHead, StandardRoIHead) if isinstance(roi, base)
    ]
    if type(rpn) is not RPNHead or roi is None or not bases:
        return False
    base: Any = bases[0]
    own = [getattr(type(roi), name) is getattr(base, name) for name in _STEPS]
    heads = roi.bbox_head if base is CascadeRoIHead else [roi.bbox_head]
    return (
        all(own)
        and roi.test_cfg is not None
        and roi.test_cfg.get('nms') is not None
        # Soft NMS gives other scores, which are lost here.
        and all(part.test_cfg['nms'].get('type', 'nms') == 'nms' for part in (rpn, roi))
        and all(_has_usual_steps(head) for head in heads)
    )


def makes_usual_masks(head: Any) -> bool:
    """Whether :func:`masks_of_frames` knows the masks of a RoI head."""
    base: Any = CascadeRoIHead if isinstance(head, CascadeRoIHead) else StandardRoIHead
    own = [getattr(type(head), name) is getattr(base, name) for name in _MASK_STEPS]
    if not head.with_mask or not all(own):
        return False
    heads = head.mask_head if base is CascadeRoIHead else [head.mask_head]
    usual = ('predict_by_feat', '_predict_by_feat_single')
    return all(
        isinstance(part, FCNMaskHead)
        and all(getattr(type(part), n) is getattr(FCNMaskHead, n) for n in usual)
        for part in heads
    )


def _has_usual_steps(head: Any) -> bool:
    usual = ('predict_by_feat', '_predict_by_feat_single', 'regress_by_class')
    return (
        isinstance(head, BBoxHead)
        and all(getattr(type(head), name) is getattr(BBoxHead, name) for name in usual)
        and head.with_cls
        and head.with_reg
        and not head.custom_cls_channels
        and not head.custom_activation
    )


def proposals_of_frames(
    head: Any, feats: Sequence[Tensor], metainfo: dict
) -> tuple[InstanceData, list[int]]:
    """What an ``RPNHead`` proposes in each of B frames, best first.

    Args:
        head (RPNHead): Of mmdet.
        feats (Sequence[Tensor]): Levels (B, C, H_l, W_l).
        metainfo (dict): img_shape of all frames.

    Returns:
        tuple[InstanceData, list[int]]: bboxes (n, 4), scores (n,), frame (n,) int64 and
        rois (n, 5); and how many each frame has.
    """
    cfg = head.test_cfg
    logits_of_levels, deltas = head(feats)
    anchors, numbers, sizes = _anchors(
        head.prior_generator,
        tuple(level.shape[-2:] for level in logits_of_levels),
        feats[0].device,
    )
    logits, changes = (_side_by_side(maps) for maps in (logits_of_levels, deltas))
    if head.use_sigmoid_cls:
        scores_of_all = logits.flatten(1).sigmoid()
    else:
        scores_of_all = logits.reshape(len(logits), -1, 2).softmax(-1)[..., 0]
    most, first, kept = cfg.get('nms_pre', -1), 0, []
    for level in scores_of_all.split(sizes, dim=1):
        size = level.shape[1]
        scores, rows = level.topk(min(most, size) if most > 0 else size)
        kept.append((scores, rows + first if first else rows))
        first += size
    best, rows = (torch.cat(part, dim=1) for part in zip(*kept, strict=True))
    changes = changes.reshape(len(rows), -1, 4)
    changes = changes.gather(1, rows[..., None].expand(-1, -1, 4)).flatten(0, 1)
    best, rows = best.flatten(), rows.flatten()
    priors, level_ids = anchors[rows], numbers[rows]
    frame = _numbers(len(feats[0]), len(best), best.device)
    boxes = decode_deltas(head.bbox_coder, priors, changes, metainfo['img_shape'])
    large = (boxes[:, 2:] - boxes[:, :2] > cfg.get('min_bbox_size', -1)).all(1)
    # A box or score that is not a number would spoil NMS for all.
    unusable = ~(large & (best >= 0))
    boxes = boxes.masked_fill(unusable[:, None], 0.0)
    scores = best.masked_fill(unusable, -1.0)
    chosen, counts = nms_of_frames(
        *(boxes, scores, level_ids, frame, len(feats[0])),
        *(cfg.nms, cfg.max_per_img, -0.5),
        frame_size=_clipped_to(head.bbox_coder, metainfo),
    )
    fields = dict(bboxes=boxes, scores=scores, frame=frame)
    found = InstanceData(**{name: part[chosen] for name, part in fields.items()})
    found.rois = rois_of(found)
    return found, counts


def rois_of(boxes: InstanceData) -> Tensor:
    """RoIs (n, 5) of bboxes (n, 4) with the frame (n,) that each is in."""
    return torch.cat([boxes.frame[:, None].to(boxes.bboxes), boxes.bboxes], dim=1)


def boxes_of_frames(
    head: Any,
    feats: Sequence[Tensor],
    metainfo: dict,
    rois: Tensor,
    wanted: Callable[[Tensor, Tensor], Tensor] | None = None,
    most_wanted: int | None = None,
) -> tuple[InstanceData, list[int]]:
    """What ``predict_bbox`` of a RoI head finds, frame by frame.

    Args:
        head (StandardRoIHead | CascadeRoIHead): Of mmdet.
        feats (Sequence[Tensor]): Levels (B, C, H_l, W_l).
        metainfo (dict): img_shape of all frames.
        rois (Tensor): (n, 5), what is proposed.
        wanted (Callable | None): Which of boxes of these scores and labels (m,) are
            asked for; None: all.
        most_wanted (int | None): At most so many of these a frame.

    Returns:
        tuple[InstanceData, list[int]]: bboxes (n, 4) in pixels of the network's input,
        scores (n,), labels (n,) int64 and frame (n,) int64; and how many each frame
        has.
    """
    cfg, num_frames = head.test_cfg, len(feats[0])
    bbox_head: Any = head.bbox_head
    if isinstance(head, CascadeRoIHead):
        rois, logits, deltas = _refined(head, feats, metainfo, rois)
        bbox_head = bbox_head[-1]
    else:
        found = head._bbox_forward(feats, rois)
        logits, deltas = found['cls_score'], found['bbox_pred']
    scores = logits.float().softmax(-1)[:, :-1]
    boxes = decode_deltas(
        bbox_head.bbox_coder, rois[:, 1:], deltas, metainfo['img_shape']
    ).unflatten(1, (-1, 4))
    row, labels = (scores > cfg.score_thr).nonzero().unbind(1)
    agnostic = boxes.shape[1] == 1
    boxes = boxes[row, 0] if agnostic else boxes[row, labels]
    scores = scores[row, labels]
    frame = rois[row, 0].long()
    # Of mmdet's, -1 is all.
    most = cfg.max_per_img if cfg.max_per_img > 0 else None
    kept, counts = nms_of_frames(
        *(boxes, scores, labels, frame, num_frames, cfg.nms, most),
        wanted=wanted and (lambda kept: wanted(scores[kept], labels[kept])),
        most_wanted=most_wanted,
        frame_size=_clipped_to(bbox_head.bbox_coder, metainfo),
    )
    found = dict(bboxes=boxes, scores=scores, labels=labels, frame=frame)
    return InstanceData(**{name: part[kept] for name, part in found.items()}), counts


def _refined(
    head: Any, feats: Sequence[Tensor], metainfo: dict, rois: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """A cascade's last RoIs, the mean of its stages' logits, its last deltas."""
    total = logits = deltas = rois
    for stage in range(head.num_stages):
        if stage:
            before = head.bbox_head[stage - 1]
            if before.reg_class_agnostic:
                boxes = decode_deltas(
                    before.bbox_coder, rois[:, 1:], deltas, metainfo['img_shape']
                )
            else:
                boxes = before.regress_by_class(
                    rois[:, 1:], logits[:, :-1].argmax(1), deltas, metainfo
                )
            rois = torch.cat([rois[:, :1], boxes], dim=1)
        found = head._bbox_forward(stage, feats, rois)
        logits, deltas = found['cls_score'], found['bbox_pred']
        total = total + logits if stage else logits
    return rois, total / float(head.num_stages), deltas


def masks_of_frames(
    head: Any, feats: Sequence[Tensor], metainfo: dict, frames: Sequence[InstanceData]
) -> tuple[Tensor, ...]:
    """Masks (n, H, W) bool, at the original size, of the instances of each frame.

    Args:
        head (StandardRoIHead | CascadeRoIHead): Of mmdet.
        feats (Sequence[Tensor]): Levels (B, C, H_l, W_l).
        metainfo (dict): ori_shape and scale_factor of all frames.
        frames (Sequence[InstanceData]): bboxes (n, 4) in pixels of the network's input,
            labels (n,) and frame (n,), on the host perhaps.
    """
    device = feats[0].device
    bboxes, labels, frame = (
        torch.cat([part[name] for part in frames]).to(device)
        for name in ('bboxes', 'labels', 'frame')
    )
    counts = [len(part) for part in frames]
    if len(bboxes) == 0:
        size = metainfo['ori_shape'][:2]
        return bboxes.new_zeros(0, *size, dtype=torch.bool).split(counts)
    rois = rois_of(InstanceData(bboxes=bboxes, frame=frame))
    masks = _mask_probabilities(head, feats, rois, labels)
    thr = head.test_cfg.mask_thr_binary
    return masks_in_frame(masks, bboxes, metainfo, thr).split(counts)


def _mask_probabilities(
    head: Any, feats: Sequence[Tensor], rois: Tensor, labels: Tensor
) -> Tensor:
    """Masks (n, s, s) of RoIs (n, 5), each for its own label (n,)."""
    if isinstance(head, CascadeRoIHead):
        stages = [
            head._mask_forward(stage, feats, rois)['mask_preds'].sigmoid()
            for stage in range(head.num_stages)
        ]
        masks, mask_head = torch.stack(stages).mean(0), head.mask_head[-1]
    else:
        masks, mask_head = head._mask_forward(feats, rois)['mask_preds'], head.mask_head
    if mask_head.class_agnostic:
        masks = masks[:, 0]
    else:
        masks = masks[torch.arange(len(labels), device=labels.device), labels]
    return masks if isinstance(head, CascadeRoIHead) else masks.sigmoid()


def in_frame(bboxes: Tensor, metainfo: dict) -> Tensor:
    """Boxes (n, 4) of the network's input in pixels of the original frame."""
    return bboxes / bboxes.new_tensor(metainfo['scale_factor']).repeat(1, 2)


def _clipped_to(coder: Any, metainfo: dict) -> tuple[int, int] | None:
    """Height and width of the frames, if decoded boxes are inside of them."""
    return metainfo['img_shape'][:2] if getattr(coder, 'clip_border', False) else None


@kept(4)
def _anchors(
    generator: Any, sizes: tuple[tuple[int, int], ...], device: torch.device
) -> tuple[Tensor, Tensor, list[int]]:
    """What is the same for chunks of one size.

    Returns:
        tuple: Anchors (N, 4) of all levels, the level (N,) int64 of each, and how many
        each level has.
    """
    levels = generator.grid_priors(sizes, device=device)
    numbers = [
        torch.full((len(level),), number, device=device)
        for number, level in enumerate(levels)
    ]
    return torch.cat(levels), torch.cat(numbers), [len(level) for level in levels]


def _side_by_side(levels: Sequence[Tensor]) -> Tensor:
    """Maps (B, A, H_l, W_l) as (B, cells, A), level after level."""
    return torch.cat([level.flatten(2).mT for level in levels], dim=1)


@kept(4)
def _numbers(frames: int, rows: int, device: torch.device) -> Tensor:
    """The frame (rows,) that each of as many rows of all frames is of."""
    numbers = torch.arange(frames, device=device)
    return numbers[:, None].expand(-1, rows // frames).flatten()
