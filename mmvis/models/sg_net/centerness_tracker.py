"""SG-Net's greedy association by the movement of centres."""

from __future__ import annotations

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.trackers.match_conflicts import next_best
from mmvis.models.trackers.track_memory import TrackMemory
from mmvis.registry import MODELS


@MODELS.register_module()
class CenternessTracker:
    """Tracker of SG-Net (Liu et al., CVPR 2021, section 3.3).

    A detection with centre o and predicted movement D was at o - D in the previous
    frame. In the order of their scores, each detection takes the track whose latest
    centre is closest to there and that no better detection took, if it is less than

        r = radius * (box width + box height) / 2

    away; or else it becomes a new track. Every detection gets an id. Of equal scores
    the first detection chooses first, of equal distances the older track is taken.

    A track that was not detected for some frames waits at its latest centre.

    The object holds configuration only: the tracks of a video are in a
    :class:`TrackMemory` that the caller keeps. They are a few numbers each, and the
    choice is serial, so they stay on the host: a frame makes the host wait for the
    device once, to read the detections.

    Args:
        num_frames_retain (int, optional): A track not seen for this many frames is
            forgotten; None: never.
        radius (float): Factor to the mean of box width and height; 1 in the paper.
        match_label (bool): Take tracks of the detection's label only. The paper does
            not say that it does.

    Raises:
        ValueError: If the radius is not positive.
    """

    # Numbers on the host are all it needs.
    reads_host = True

    def __init__(
        self,
        num_frames_retain: int | None = 20,
        radius: float = 1.0,
        match_label: bool = False,
    ) -> None:
        if not radius > 0:
            raise ValueError(f'radius must be positive, but is {radius}.')
        self.num_frames_retain = num_frames_retain
        self.radius = radius
        self.match_label = match_label

    def init_memory(self) -> TrackMemory:
        """A memory for a video that is about to begin."""
        return TrackMemory(self.num_frames_retain)

    def track(
        self, dets: InstanceData, memory: TrackMemory, frame_id: int
    ) -> InstanceData:
        """Give ids to the detections of one frame.

        Args:
            dets (InstanceData): bboxes (n, 4) xyxy, centers (n, 2) x, y and movements
                (n, 2) x, y since the previous frame, all in pixels of a scale that
                stays the same through the video; scores (n,) and labels (n,) int64.
                Other fields are passed on. A detection whose box, centre or movement
                is not finite takes no track; a score that is not a number is the
                lowest.
            memory (TrackMemory): The video's tracks; updated. Its fields are centers
                (m, 2) and labels (m,), on the host.
            frame_id (int): Number of the frame, counting up through the video.

        Returns:
            InstanceData: All detections in their order, with instances_id (n,) int64.
        """
        bboxes, centers, movements, scores, labels = _read(dets)
        memory.retire(frame_id)
        column = torch.zeros_like(labels)
        if len(labels) and len(memory):
            distance = _distances(centers - movements, memory['centers'])
            extent = bboxes[:, 2:] - bboxes[:, :2]
            near = distance < self.radius * extent.mean(1, keepdim=True)
            near &= bboxes.isfinite().all(1, keepdim=True)
            if self.match_label:
                near &= labels[:, None] == memory['labels']
            # Any distance is better than "new", which is better than no way.
            match = (-distance).masked_fill(~near, -torch.inf)
            match = pad(match, (1, 0), value=torch.finfo(match.dtype).min)
            column = next_best(match, scores.nan_to_num(nan=-torch.inf))
        ids = _ids(column, memory)
        memory.update(ids, frame_id, centers=centers, labels=labels)
        tracked = dets.new()
        tracked.instances_id = ids.to(dets.labels.device)
        return tracked


def _read(dets: InstanceData) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Boxes, centres, movements, scores and labels on the host, by one copy."""
    columns = [dets.scores[:, None], dets.labels[:, None]]
    fields = [dets.bboxes, dets.centers, dets.movements, *columns]
    # Labels are exact in single precision up to 2 ** 24.
    dtype = torch.promote_types(dets.centers.dtype, torch.float32)
    rows = torch.cat([field.detach().to(dtype) for field in fields], dim=1)
    bboxes, centers, movements, scores, labels = rows.cpu().split([4, 2, 2, 1, 1], 1)
    return bboxes, centers, movements, scores[:, 0], labels[:, 0].long()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Between all points (n, 2) and (m, 2): (n, m).

    cdist would multiply matrices for many points, which loses digits.
    """
    x, y = (a[:, None] - b[None]).unbind(2)
    return torch.hypot(x, y)


def _ids(column: Tensor, memory: TrackMemory) -> Tensor:
    """Ids (n,) by columns: 0 for a new track, 1 + j for track j."""
    new = (column == 0).nonzero()[:, 0]
    ids = torch.empty_like(column)
    if memory.ids is not None and len(memory):
        ids = memory.ids[(column - 1).clamp(min=0)]
    ids[new] = memory.new_ids(len(new), like=column)
    return ids
