"""The detections of one frame, by any kind of NMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmcv.ops import batched_nms
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.frame_nms import no_limit_below_zero

from .fast_nms import fast_nms, fast_nms_per_class
from .outputs import PostponedOutputs, STMaskOutputs

if TYPE_CHECKING:
    from .head import STMaskHead


def detect_in_frame(
    head: STMaskHead, outputs: STMaskOutputs | PostponedOutputs, anchors: Tensor
) -> InstanceData:
    """What ``head.predict`` gives.

    Args:
        head (STMaskHead): Whose outputs they are.
        outputs (STMaskOutputs | PostponedOutputs): Of this frame, without a batch axis.
        anchors (Tensor): (N, 4).
    """
    cfg = head.test_cfg
    nms_cfg = dict(cfg.nms)
    kind, iou_threshold = nms_cfg.pop('type'), nms_cfg.pop('iou_threshold')
    probabilities = outputs.logits.float().softmax(-1)[:, :-1]
    centerness = outputs.centerness.float()
    best, labels = probabilities.max(1)
    # A NaN is not greater than anything: such an anchor detects nothing.
    usable = ~centerness.isnan() & outputs.deltas.isfinite().all(1)
    candidate = ((best > cfg.score_thr) & usable).nonzero().squeeze(1)
    best, labels = best[candidate], labels[candidate]
    centerness = centerness[candidate]
    boxes = head.bbox_coder.decode(
        anchors[candidate], outputs.deltas[candidate].float()
    )
    scores = best * centerness
    most = no_limit_below_zero(cfg.max_per_img)
    if kind == 'fast_nms_per_class':
        kept, labels, scores = fast_nms_per_class(
            boxes,
            probabilities[candidate] * centerness[:, None],
            score_threshold=cfg.score_thr,
            iou_threshold=iou_threshold,
            max_per_image=most,
            **nms_cfg,
        )
    else:
        if kind == 'fast_nms':
            kept = fast_nms(boxes, scores, iou_threshold, **nms_cfg)
        else:
            # From split_thr boxes on, 10,000 by default, mmcv goes class by class.
            nms_cfg['split_thr'] = len(boxes) + 1
            _, kept = batched_nms(
                boxes,
                scores,
                labels,
                dict(type=kind, iou_threshold=iou_threshold, **nms_cfg),
                class_agnostic=True,
            )
        kept = kept[:most]
        labels, scores = labels[kept], scores[kept]
    if cfg.get('min_score') is not None:
        good = (scores > cfg.min_score).nonzero().squeeze(1)
        kept, labels, scores = kept[good], labels[good], scores[good]
    coefficients, embeddings = head.predict_kept(outputs, candidate[kept])
    return InstanceData(
        bboxes=boxes[kept],
        scores=scores,
        labels=labels,
        coefficients=coefficients.float(),
        embeddings=embeddings.float(),
    )
