"""InstanceFlow's matching of instances with those of several reference frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.trackers.match_conflicts import next_best
from mmvis.registry import MODELS, TASK_UTILS

from .flow import TargetInstances
from .reference_frames import InstanceFlowMemory, ReferenceFrame

SCORES = ('instance', 'semantic', 'center')


@MODELS.register_module()
class InstanceFlowTracker:
    """Tracker of InstanceFlow (Li et al., section III-C2 to III-C4).

    The distance of an instance to a track is the smallest of those to the track's
    instances in all reference frames (eq. 5). An instance takes the track of the
    smallest distance below epsilon, or else becomes a new one. The paper does not say
    what to do when two choose the same track: here the pairs are taken from the
    smallest distance up, so that the closer instance gets the track, and the other one
    the next best that is free, or a new id. Of equal distances the first instance comes
    first, and it takes the older track. Every instance gets an id, and none twice.

    Instances and distances on the host are best: it reads them.

    Args:
        num_references (int): Reference frames: the first one with an instance, and
            ``num_references - 1`` before the target, or with 1 that before the target
            only (Table III).
        epsilon (float): Only smaller distances match. In pixels of the network input,
            or what ``flow`` gives. The paper does not name its value.
        flow (dict, optional): Config of the flow estimator (Table IV), a task util;
            None: ``OffsetResidual``.
        score (str): An instance's score (Table VI): the class score of its label,
            'semantic', the heatmap's value at its centre, 'center', or their product
            (eq. 6), 'instance'. The centre's score is "unnormalized" and may be above
            1.

    Raises:
        ValueError: If a value is out of range.
    """

    def __init__(
        self,
        num_references: int = 4,
        epsilon: float = 64.0,
        flow: dict | None = None,
        score: str = 'instance',
    ) -> None:
        if num_references < 1:
            raise ValueError(f'num_references must be positive, not {num_references}.')
        if not epsilon > 0:
            raise ValueError(f'epsilon must be positive, but is {epsilon}.')
        if score not in SCORES:
            raise ValueError(f'score must be one of {list(SCORES)}, but is {score!r}.')
        self.num_references = num_references
        self.epsilon = epsilon
        self.flow = TASK_UTILS.build(flow or dict(type='OffsetResidual'))
        self.score = score

    def init_memory(self) -> InstanceFlowMemory:
        """A memory for a video that is about to begin."""
        keep_first = self.num_references > 1
        return InstanceFlowMemory(self.num_references - keep_first, keep_first)

    def distances(
        self,
        target: TargetInstances,
        inter_fields: Tensor,
        memory: InstanceFlowMemory,
    ) -> list[Tensor]:
        """Distances of the target's m instances to those of each reference frame.

        Args:
            target (TargetInstances): m instances.
            inter_fields (Tensor): (R, 2, h, w), the inter-frame decoder's prediction
                for the target and each of ``memory.references``, in their order.
            memory (InstanceFlowMemory): The video's.

        Returns:
            list[Tensor]: R times (m, M_r).
        """
        centers = [reference.centers for reference in memory.references]
        return self.flow(target, inter_fields, centers)

    def track(
        self,
        dets: InstanceData,
        distances: Sequence[Tensor],
        memory: InstanceFlowMemory,
        frame_id: int,
        features: Any = None,
    ) -> InstanceData:
        """Give ids, labels and scores to the instances of one frame.

        Args:
            dets (InstanceData): centers (m, 2) x, y in pixels of the network input,
                center_scores (m,), and class_scores (m, C), each the mean of the
                semantic probabilities over the instance, without background. Other
                fields are passed on.
            distances (Sequence[Tensor]): (m, M_r) to the instances of each of
                ``memory.references``, in their order. One that is not finite is no
                match.
            memory (InstanceFlowMemory): The video's; updated.
            frame_id (int): Number of the frame.
            features: What the model will want of this frame when it is a reference.

        Returns:
            InstanceData: The same instances, with instances_id (m,) int64, labels (m,)
            int64, the classes of the highest class scores of the tracks so far, and
            scores (m,), by the label so far. The class_scores stay those of this frame:
            summing them over a video gives the final label. Its score in this frame is
            its class score times objectness (m,), the other factor of eq. 6; which is
            not there where the score does not depend on the class.
        """
        ids = self._assign(len(dets), distances, memory)
        frame = ReferenceFrame(frame_id, dets.centers.detach(), ids)
        if len(ids):
            frame.features = features
        class_scores = dets.class_scores.detach()
        tracked = dets.new()
        tracked.labels = memory.add(frame, class_scores).argmax(1)
        tracked.instances_id = ids.to(class_scores.device)
        tracked.scores = dets.center_scores.detach()
        if self.score != 'center':
            semantic = class_scores.gather(1, tracked.labels[:, None])[:, 0]
            tracked.objectness = torch.ones_like(semantic)
            if self.score == 'instance':
                tracked.objectness = dets.center_scores.detach()
            tracked.scores = semantic * tracked.objectness
        return tracked

    def _assign(
        self, num: int, distances: Sequence[Tensor], memory: InstanceFlowMemory
    ) -> Tensor:
        """Ids (m,) of the instances, on the host."""
        references = memory.references
        column = torch.zeros(num, dtype=torch.long)
        tracks = column[:0]
        if num and references:
            distance = torch.cat(list(distances), dim=1).detach().float().cpu()
            ids = torch.cat([reference.ids for reference in references])
            tracks, track = ids.unique(return_inverse=True)
            least = distance.new_full((num, len(tracks)), torch.inf).scatter_reduce(
                1,
                track.expand(num, -1),
                distance.nan_to_num(nan=torch.inf, posinf=torch.inf),
                'amin',
            )
            # "New" stands at epsilon, and is taken at this distance.
            column = next_best(pad(-least, (1, 0), value=-self.epsilon))
        new = (column == 0).nonzero()[:, 0]
        ids = torch.cat([column[:0].new_zeros(1), tracks])[column]
        ids[new] = memory.new_ids(len(new))
        return ids
