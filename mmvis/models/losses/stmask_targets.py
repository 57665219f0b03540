"""Which anchors of a batch of clips are trained on which object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

# Ids are unique in a video; objects of two videos are told apart by this step.
IDS_PER_VIDEO = 2**40


@dataclass
class BatchObjects:
    """The g annotated objects of all frames of a batch, one after the other.

    Attributes:
        bboxes (Tensor): (g, 4) xyxy in pixels of the padded input.
        labels (Tensor): (g,) int64.
        ids (Tensor): (g,) int64, equal for one object in several frames and clips.
        masks (Tensor): (g, H, W) uint8 at the size of the padded input.
        frame (Tensor): (g,) int64, the frame an object is in.
    """

    bboxes: Tensor
    labels: Tensor
    ids: Tensor
    masks: Tensor
    frame: Tensor

    @classmethod
    def gather(cls, frames: list[DetDataSample], device: torch.device) -> BatchObjects:
        """The objects of frames with gt_instances; ids made unique by video_id."""
        gts = [frame.gt_instances for frame in frames]
        videos = [frame.metainfo.get('video_id', i) for i, frame in enumerate(frames)]
        number = {video: i for i, video in enumerate(dict.fromkeys(videos))}
        ids = [
            gt.instances_ids.to(device) + IDS_PER_VIDEO * number[video]
            for gt, video in zip(gts, videos, strict=True)
        ]
        counts = torch.tensor([len(gt) for gt in gts], device=device)
        return cls(
            bboxes=torch.cat([gt.bboxes for gt in gts]).to(device),
            labels=torch.cat([gt.labels for gt in gts]).to(device),
            ids=torch.cat(ids),
            masks=torch.cat([gt.masks.to_tensor(torch.uint8, device) for gt in gts]),
            frame=torch.arange(len(gts), device=device).repeat_interleave(counts),
        )

    def in_next_frame(self) -> Tensor:
        """(g,) position of the same object in the clip's second frame, or -1.

        Objects of second frames, and those that only the first frame has, have none.
        """
        if len(self.ids) == 0:
            return self.ids
        same = self.ids[:, None] == self.ids[None]
        follows = (self.frame[:, None] + 1 == self.frame) & (
            self.frame[:, None] % 2 == 0
        )
        found, position = (same & follows).max(1)
        return position.where(found, -1)


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
    labels, objects, first = [], [], 0
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
        labels.append(label)
        objects.append(torch.where(gt_inds > 0, gt_inds - 1 + first, -1))
        first += len(gt)
    labels, objects = torch.stack(labels), torch.stack(objects)
    frame, anchor = (objects >= 0).nonzero(as_tuple=True)
    positives = (objects >= 0).sum(1)
    return AnchorTargets(
        labels=labels,
        frame=frame,
        anchor=anchor,
        gt=objects[frame, anchor],
        weights=1.0 / positives[frame],
    )
