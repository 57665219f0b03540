"""The released STMask's assignment of objects to anchors."""

from __future__ import annotations

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmvis.registry import TASK_UTILS

FORCED = 2.0  # above every IoU plus score


@TASK_UTILS.register_module()
class ClassAwareAssigner(BaseAssigner):
    """Assignment by IoU plus how well the anchor is classified already.

    An anchor above ``pos_iou_thr`` gets its class score added to its IoU, and the mean
    of these scores is added to both thresholds: about half of such anchors, those that
    are classified worse than the mean, are ignored. Anchors over more than one object
    are undecided. Every object gets the anchor of the largest IoU, one after the other
    in the order of their IoU. The targets thus depend on the network.

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
            pred_instances (InstanceData): priors (N, 4) and logits (N, C + 1), the
                background last.
            gt_instances (InstanceData): bboxes (g, 4) and labels (g,).
            gt_instances_ignore (InstanceData | None): Not looked at, as in the release.

        Returns:
            AssignResult: gt_inds (N,): -1 ignored, 0 negative, k + 1 object k.
        """
        priors, logits = pred_instances.priors, pred_instances.logits
        num_gts = len(gt_instances)
        if num_gts == 0:
            return AssignResult(
                0,
                priors.new_zeros(len(priors), dtype=torch.long),
                priors.new_zeros(len(priors)),
                labels=priors.new_zeros(len(priors), dtype=torch.long),
            )
        overlaps = bbox_overlaps(gt_instances.bboxes, priors)
        best, gt = overlaps.max(0)
        several = (overlaps > self.pos_iou_thr - 0.1).sum(0) > 1
        undecided = (self.pos_iou_thr + self.neg_iou_thr) / 2
        best = torch.where(several, undecided, best)

        candidate = best > self.pos_iou_thr
        entropy = cross_entropy(logits, gt_instances.labels[gt], reduction='none')
        scores = 2 / (1 + entropy.exp())
        shift = scores[candidate].mean() if candidate.any() else 0.0
        best = best + scores * candidate
        self._force(overlaps, best, gt)

        gt_inds = gt + 1
        gt_inds[best < self.pos_iou_thr + shift] = -1
        gt_inds[best < self.neg_iou_thr + shift] = 0
        return AssignResult(num_gts, gt_inds, best, labels=gt_instances.labels[gt])

    @staticmethod
    def _force(overlaps: Tensor, best: Tensor, gt: Tensor) -> None:
        """Give each object an anchor, the pair of largest IoU first; in place.

        One step an object: what is left for the next depends on it.
        """
        remaining = overlaps.clone()
        for _ in range(len(remaining)):
            row, column = divmod(int(remaining.argmax()), remaining.shape[1])
            best[column], gt[column] = FORCED, row
            remaining[row] = -1
            remaining[:, column] = -1
