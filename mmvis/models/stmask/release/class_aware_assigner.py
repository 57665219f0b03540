"""The released STMask's assignment of objects to anchors."""

from __future__ import annotations

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmvis.registry import TASK_UTILS

# A forced anchor's value: above every sum of IoU and score, and every threshold.
FORCED = 2.0


@TASK_UTILS.register_module()
class ClassAwareAssigner(BaseAssigner):
    """Assignment by IoU and by how well an anchor is classified already.

    1. Each anchor's object is the one of the largest IoU. Anchors that overlap several
       objects by more than ``pos_iou_thr - 0.1`` are undecided: their IoU counts as the
       middle of the two thresholds.
    2. An anchor with an IoU above ``pos_iou_thr`` adds a class score to it, 2 p / (1 +
       p) for the probability p of its object's class. The mean of these scores is added
       to both thresholds. About half of these anchors, those that are classified worse
       than the mean, end up ignored, and most anchors of a middling IoU negative.
    3. Each object is given one anchor in any case. The pair of the largest IoU comes
       first, then the largest among the objects and anchors that are left.

    The targets thus depend on the state of the network. The paper does not say how it
    assigns; mmdet's ``MaxIoUAssigner`` is Yolact's way.

    Args:
        pos_iou_thr (float): Positive from this sum on.
        neg_iou_thr (float): Negative below this sum; between the two is ignored.
    """

    def __init__(self, pos_iou_thr: float = 0.5, neg_iou_thr: float = 0.4) -> None:
        self.pos_iou_thr = pos_iou_thr
        self.neg_iou_thr = neg_iou_thr

    @torch.no_grad()
    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
        **kwargs,
    ) -> AssignResult:
        """Assign each of N anchors.

        Args:
            pred_instances (InstanceData): ``priors`` (N, 4) xyxy and ``logits`` (N,
                C + 1), the background last.
            gt_instances (InstanceData): ``bboxes`` (g, 4) xyxy and ``labels`` (g,).
            gt_instances_ignore (InstanceData | None): Not looked at, as in the release.

        Returns:
            AssignResult: ``gt_inds`` (N,) int64: -1 ignored, 0 negative, k + 1 object
            k; ``max_overlaps`` (N,), the largest IoU; ``labels`` (N,), -1 for anchors
            without an object.
        """
        priors, logits = pred_instances.priors, pred_instances.logits
        num_gts, num_priors = len(gt_instances), len(priors)
        if num_gts == 0 or num_priors == 0:
            nothing = priors.new_zeros(num_priors, dtype=torch.long)
            overlap = priors.new_zeros(num_priors)
            return AssignResult(num_gts, nothing, overlap, labels=nothing - 1)
        overlaps = bbox_overlaps(gt_instances.bboxes, priors)
        max_overlaps, gt = overlaps.max(0)
        several = (overlaps > self.pos_iou_thr - 0.1).sum(0) > 1
        middle = (self.pos_iou_thr + self.neg_iou_thr) / 2
        value = torch.where(several, middle, max_overlaps)

        candidate = value > self.pos_iou_thr
        scores = candidate * self._class_scores(logits, gt_instances.labels[gt])
        shift = scores.sum() / candidate.sum().clamp(min=1)
        value = value + scores
        self._force(overlaps, value, gt)

        gt_inds = gt + 1
        gt_inds[value < self.pos_iou_thr + shift] = -1
        gt_inds[value < self.neg_iou_thr + shift] = 0
        labels = gt_instances.labels[gt].where(gt_inds > 0, -1)
        return AssignResult(num_gts, gt_inds, max_overlaps, labels=labels)

    @staticmethod
    def _class_scores(logits: Tensor, labels: Tensor) -> Tensor:
        """Scores (N,) from 0 to 1 of being classified as these labels."""
        entropy = cross_entropy(logits.float(), labels, reduction='none')
        # One logit that is not a number must not make every threshold one.
        return (2 / (1 + entropy.exp())).nan_to_num(0.0)

    @staticmethod
    def _force(overlaps: Tensor, value: Tensor, gt: Tensor) -> None:
        """Give each object an anchor, in place in ``value`` and ``gt`` (N,).

        One step an object, since what is left depends on the steps before; the indices
        stay on the device.
        """
        left = overlaps.clone()
        for _ in range(min(left.shape)):
            best = left.argmax().view(1)
            row, column = best // left.shape[1], best % left.shape[1]
            value.index_fill_(0, column, FORCED)
            gt.index_copy_(0, column, row)
            left.index_fill_(0, row, -1.0)
            left.index_fill_(1, column, -1.0)
