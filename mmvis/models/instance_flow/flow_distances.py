"""How far instances are from those of reference frames (eq. 5; Table IV's four ways).

Every way answers with distance matrices, so that instances are matched alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mmvis.models.common.constants import constant
from mmvis.registry import TASK_UTILS

from .flow import (
    FramesInstances,
    TargetInstances,
    field_means,
    field_means_of_frames,
    instance_flow,
)
from .grouping import group_pixels, group_sizes


class FlowEstimator:
    """How instances are related to those of reference frames."""

    def __call__(
        self,
        target: TargetInstances,
        inter_fields: Tensor,
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """Distances of eq. 5.

        Args:
            target (TargetInstances): m instances.
            inter_fields (Tensor): (R, 2, h, w), what the inter-frame decoder predicts
                of the target and each of R reference frames: inter-frame offsets or the
                affinity field.
            reference_centers (Sequence[Tensor]): R times (M_r, 2) x, y in pixels of the
                input.

        Returns:
            list[Tensor]: R times (m, M_r), at least float32; small for the same
            instance.
        """
        raise NotImplementedError

    def of_frames(
        self,
        instances: FramesInstances,
        inter_fields: Tensor,
        frame: Sequence[int],
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """The same of P pairs of frames, on the host, by one copy.

        Args:
            instances (FramesInstances): Of T frames, some of which have instances.
            inter_fields (Tensor): (P, 2, h, w).
            frame (Sequence[int]): The target frame of each pair.
            reference_centers (Sequence[Tensor]): P times (M, 2), on the host.
        """
        found = []
        for t, field, centers in zip(
            frame, inter_fields, reference_centers, strict=True
        ):
            there = centers.to(field.device)
            found += self(instances.of_frame(t), field[None], [there])
        together = torch.cat([matrix.flatten() for matrix in found]).cpu()
        parts = together.split([matrix.numel() for matrix in found])
        return [
            part.view(matrix.shape) for part, matrix in zip(parts, found, strict=True)
        ]


def _distances(warped: Tensor, reference_centers: Sequence[Tensor]) -> list[Tensor]:
    """From places (R, m, 2) to the centres of each reference frame (eq. 5)."""
    return [
        # Not by a product of matrices, which loses digits.
        torch.cdist(places, centers, compute_mode='donot_use_mm_for_euclid_dist')
        for places, centers in zip(warped, reference_centers, strict=True)
    ]


class _MeanFlow(FlowEstimator):
    """A centre moves by a flow; of all pairs the flows alone go to the host."""

    def of_frames(
        self,
        instances: FramesInstances,
        inter_fields: Tensor,
        frame: Sequence[int],
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """See :class:`FlowEstimator`."""
        flows = self.flows(instances, inter_fields, frame)
        centers = instances.centers_on_host.split(instances.counts)
        found = []
        for t, flow, then in zip(frame, flows, reference_centers, strict=True):
            now = centers[t] + flow[: len(centers[t])]
            found += _distances(now[None], [then])
        return found

    def flows(
        self, instances: FramesInstances, inter_fields: Tensor, frame: Sequence[int]
    ) -> Tensor:
        """The ways (P, n, 2) of P pairs' instances, on the host."""
        raise NotImplementedError


@TASK_UTILS.register_module()
class OffsetResidual(_MeanFlow):
    """The paper's way: a centre moves by the mean of the offset residual.

    Distances are in pixels of the network input.
    """

    def __call__(
        self,
        target: TargetInstances,
        inter_fields: Tensor,
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """See :class:`FlowEstimator`; the fields are inter-frame offsets."""
        flow = instance_flow(target, inter_fields)
        return _distances(target.centers + flow, reference_centers)

    def flows(
        self, instances: FramesInstances, inter_fields: Tensor, frame: Sequence[int]
    ) -> Tensor:
        """Differences of means, those of each frame's own offsets taken once."""
        count = len(instances.counts)
        fields = torch.cat([inter_fields, instances.intra_offsets])
        both = [*frame, *range(count)]
        means = field_means_of_frames(instances, fields, both).cpu()
        return means[:-count] - means[-count:][list(frame)]


@TASK_UTILS.register_module()
class InterOffsetAverage(_MeanFlow):
    """Inter-frame offset-AVG: a centre moves by the mean inter-frame offset.

    That is the way to the centre in the reference frame from the mean of the pixels,
    which is the instance's centre if "both center and foreground predictions are
    perfect". Distances are in pixels of the network input.
    """

    def __call__(
        self,
        target: TargetInstances,
        inter_fields: Tensor,
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """See :class:`FlowEstimator`; the fields are inter-frame offsets."""
        flow = field_means(target, inter_fields)
        return _distances(target.centers + flow, reference_centers)

    def flows(
        self, instances: FramesInstances, inter_fields: Tensor, frame: Sequence[int]
    ) -> Tensor:
        """Means of the offsets."""
        return field_means_of_frames(instances, inter_fields, frame).cpu()


@TASK_UTILS.register_module()
class InterOffsetIoU(FlowEstimator):
    """Inter-frame offset-IoU: the instances of the reference frame, propagated.

    As in ViP-DeepLab, which the paper names: the target frame's foreground is grouped a
    second time, by the inter-frame offsets and the reference frame's centres. The
    distance of two instances is 1 - IoU of their regions in the target frame, between 0
    and 1: the tracker's epsilon has another unit than with the other ways, and 1 takes
    every overlap. The paper uses a single reference frame here.
    """

    def __call__(
        self,
        target: TargetInstances,
        inter_fields: Tensor,
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """See :class:`FlowEstimator`; the fields are inter-frame offsets."""
        num, foreground = len(target.centers), target.id_map > 0
        distances = []
        for offsets, centers in zip(inter_fields, reference_centers, strict=True):
            propagated = group_pixels(centers, offsets, foreground, target.stride)
            iou = _region_ious(target.id_map, propagated, num, len(centers))
            distances.append(1 - iou)
        return distances


def _region_ious(first: Tensor, second: Tensor, num: int, others: int) -> Tensor:
    """IoU (num, others) of the regions of two identity maps; 0 of two empty ones."""
    shape = num + 1, others + 1
    # One cell for each pair of identities; group_sizes leaves out 0.
    cell = first * shape[1] + second + 1
    pixels = group_sizes(cell, shape[0] * shape[1]).view(shape).float()
    common = pixels[1:, 1:]
    union = pixels[1:].sum(1)[:, None] + pixels[:, 1:].sum(0) - common
    return common / union.clamp(min=1)


@TASK_UTILS.register_module()
class AffinityField(FlowEstimator):
    """Affinity field: unit vectors along the ways that instances have moved.

    The paper calculates the flow "by the line integral along the instance movement
    trajectory as defined in" OpenPose, the rest being the same. There the integral is a
    mean over uniformly spaced points of the straight line between two candidates. So a
    pair of instances has a flow of its own here,

        f = integral of the field along the line from c_m^t to c_n^r,

    which is c_n^r - c_m^t for a field of unit vectors along the line, and eq. 5 leaves
    nothing. Without a field the distance is the length of the line; against the field
    it is twice that. Distances are in pixels of the network input.

    Args:
        num_points (int): Points of the line; OpenPose's code takes 10.
    """

    def __init__(self, num_points: int = 10) -> None:
        self.num_points = num_points

    def __call__(
        self,
        target: TargetInstances,
        inter_fields: Tensor,
        reference_centers: Sequence[Tensor],
    ) -> list[Tensor]:
        """See :class:`FlowEstimator`; the fields are affinity fields."""
        distances = []
        for field, centers in zip(inter_fields, reference_centers, strict=True):
            way = centers - target.centers[:, None]
            mean = self._line_means(field, target, way)
            left = way.norm(dim=2, keepdim=True) * mean - way
            distances.append(left.norm(dim=2))
        return distances

    def _line_means(self, field: Tensor, target: TargetInstances, way: Tensor):
        """Mean of a field (2, h, w) along ways (m, n, 2) from centres: (m, n, 2)."""
        num, others = way.shape[:2]
        if num * others == 0:
            return way
        size = constant(way, field.shape[:0:-1]) * target.stride
        part = torch.arange(self.num_points, device=way.device, dtype=way.dtype)
        part = (part[:, None] + 0.5) / self.num_points
        points = target.centers[:, None, None] + way[:, :, None] * part
        grid = 2 * points / size - 1
        values = grid_sample(
            field[None].detach().to(way.dtype),
            grid.flatten(0, 1)[None],
            mode='bilinear',
            padding_mode='border',
            align_corners=False,
        )
        return values.mean(3)[0].t().view(num, others, 2)
