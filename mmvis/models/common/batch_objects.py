"""The annotated objects of all frames of a batch, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from mmdet.structures import DetDataSample
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
        counts = [len(gt) for gt in gts]
        steps = [IDS_PER_VIDEO * number[video] for video in videos]
        table = torch.tensor([counts, steps]).to(device)
        frame = torch.arange(len(gts), device=device)
        frame = frame.repeat_interleave(table[0], output_size=sum(counts))
        ids = torch.cat([gt.instances_ids for gt in gts]).to(device)
        masks = np.concatenate([gt.masks.to_ndarray() for gt in gts])
        return cls(
            bboxes=torch.cat([gt.bboxes for gt in gts]).to(device),
            labels=torch.cat([gt.labels for gt in gts]).to(device),
            ids=ids + table[1][frame],
            masks=torch.from_numpy(masks).to(device, torch.uint8),
            frame=frame,
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

    def in_previous_frame(self, clip_length: int) -> Tensor:
        """(g,) position of the same object one frame earlier in its clip, or -1."""
        if len(self.ids) == 0:
            return self.ids
        same = self.ids[:, None] == self.ids[None]
        precedes = (self.frame[:, None] - 1 == self.frame) & (
            self.frame[:, None] % clip_length != 0
        )
        found, position = (same & precedes).max(1)
        return position.where(found, -1)
