"""Which anchors of a batch of clips are trained on which object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor


@dataclass
class AnchorTargets:
    """Targets of the N anchors of n frames, and its p positive anchors.

    Attributes:
        labels (Tensor): (n, N) int64; -1 ignored, ``num_classes`` background.
        frame, anchor, gt (Tensor): (p,) int64: the frame of a positive anchor, its
            place among the anchors, and its object's place in ``BatchObjects``.
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
    """Assign objects to anchors, frame by frame.

    Args:
        assigner: Of mmdet's kind: its result has gt_inds (N,): -1 ignored, 0 negative,
            k + 1 the object.
        anchors (Tensor): (N, 4).
        logits (Tensor): (n, N, C + 1); some assigners look at them.
        frames (list[DetDataSample]): n frames with gt_instances and ignored_instances.
    """
    background = logits.shape[-1] - 1
    all_labels, all_objects, first = [], [], 0
    for frame, scores in zip(frames, logits.detach(), strict=True):
        gt = frame.gt_instances
        gt_inds = assigner.assign(
            InstanceData(priors=anchors, logits=scores),
            gt,
            frame.get('ignored_instances'),
        ).gt_inds
        label = gt_inds.clamp(max=0) + background * (gt_inds == 0)
        if len(gt):
            known = gt.labels[(gt_inds - 1).clamp(min=0)]
            label = torch.where(gt_inds > 0, known, label)
        all_labels.append(label)
        all_objects.append(torch.where(gt_inds > 0, gt_inds - 1 + first, -1))
        first += len(gt)
    labels, objects = torch.stack(all_labels), torch.stack(all_objects)
    frame, anchor = (objects >= 0).nonzero(as_tuple=True)
    positives = (objects >= 0).sum(1)
    return AnchorTargets(
        labels=labels,
        frame=frame,
        anchor=anchor,
        gt=objects[frame, anchor],
        weights=1.0 / positives[frame],
    )
