"""Which anchors of a batch of clips are trained on which object."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from .batch_assignment import assign_together, assigns_together


@dataclass
class AnchorTargets:
    """Targets of the N anchors of n frames, and its p positive anchors.

    Attributes:
        labels (Tensor): (n, N) int64; -1 ignored, ``num_classes`` background.
        frame, anchor, gt (Tensor): (p,) int64: the frame of a positive anchor, its
            place among the anchors, and its object's place in ``BatchObjects``.
            Anchors come frame by frame.
        weights (Tensor): (p,) one over the number of positives of its frame.
    """

    labels: Tensor
    frame: Tensor
    anchor: Tensor
    gt: Tensor
    weights: Tensor


def assign_targets(
    assigner, anchors: Tensor, logits: Tensor, frames: list[DetDataSample]
) -> AnchorTargets:
    """Assign objects to anchors; the host waits once, for the number of positives.

    Args:
        assigner: Of mmdet's kind: its result has gt_inds (N,): -1 ignored, 0 negative,
            k + 1 the object. mmdet's ``MaxIoUAssigner`` sees all frames at once, others
            one after the other.
        anchors (Tensor): (N, 4).
        logits (Tensor): (n, N, C + 1); some assigners look at them.
        frames (list[DetDataSample]): n frames with gt_instances and ignored_instances.
    """
    gts = [frame.gt_instances for frame in frames]
    others = [frame.get('ignored_instances') for frame in frames]
    if assigns_together(assigner):
        nothing = anchors[:0]
        gt_inds = assign_together(
            assigner,
            anchors,
            [gt.bboxes for gt in gts],
            [nothing if other is None else other.bboxes for other in others],
        )
    else:
        gt_inds = torch.stack(
            [
                assigner.assign(
                    InstanceData(priors=anchors, logits=scores), gt, other
                ).gt_inds
                for gt, other, scores in zip(gts, others, logits.detach(), strict=True)
            ]
        )
    starts = [0, *accumulate(len(gt) for gt in gts)]
    first = torch.tensor(starts[:-1]).to(gt_inds.device)
    objects = (gt_inds - 1 + first[:, None]).where(gt_inds > 0, -1)
    # The last label is that of -1: no object.
    background = gts[0].labels.new_full((1,), logits.shape[-1] - 1)
    labels = torch.cat([*(gt.labels for gt in gts), background])[objects]
    labels = labels.where(gt_inds >= 0, -1)
    positive = objects >= 0
    frame, anchor = positive.nonzero(as_tuple=True)
    return AnchorTargets(
        labels=labels,
        frame=frame,
        anchor=anchor,
        gt=objects[frame, anchor],
        weights=1.0 / positive.sum(1)[frame],
    )
