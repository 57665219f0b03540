"""From the maps of one frame to its instances (InstanceFlow, section III-C1)."""

from __future__ import annotations

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.host_copies import copy_to_host
from mmvis.registry import TASK_UTILS

from .center_nms import centers_of_frames
from .flow import FramesInstances, TargetInstances
from .grouping import group_pixels_of_frames, group_sizes, instance_means


@TASK_UTILS.register_module()
class InstanceAssembly:
    """Intra-frame instance grouping: centres, the pixels of each, and their classes.

    Args:
        kernel (int): Window of the centre NMS in pixels of the network input, odd; 41
            in the paper, which tests on frames of 1280x720: at half the size, half.
        threshold (float): Of the centre NMS; only larger values are centres.
        top_k (int, optional): The most centres of a frame; None: all.
        min_area (int): Smaller instances are left out, in pixels of the network input.
            At least 1: a centre that no pixel points to is none.

    Raises:
        ValueError: If min_area is less than 1.
    """

    def __init__(
        self,
        kernel: int = 41,
        threshold: float = 0.15,
        top_k: int | None = 100,
        min_area: int = 1,
    ) -> None:
        if min_area < 1:
            raise ValueError(f'min_area must be at least 1, but is {min_area}.')
        self.kernel = kernel
        self.threshold = threshold
        self.top_k = top_k
        self.min_area = min_area

    def __call__(
        self,
        semantic: Tensor,
        heatmap: Tensor,
        offsets: Tensor,
        foreground: Tensor,
        stride: int,
    ) -> tuple[InstanceData, TargetInstances]:
        """Group the pixels of one frame.

        Args:
            semantic (Tensor): (C + 1, h, w) probabilities, background last.
            heatmap (Tensor): (h, w), high at the centres of instances.
            offsets (Tensor): (2, h, w) x, y from each pixel to its centre, in pixels of
                the network input.
            foreground (Tensor): (h, w) bool, without padding.
            stride (int): Of the maps.

        Returns:
            tuple[InstanceData, TargetInstances]: centers (m, 2), center_scores (m,) and
            class_scores (m, C), the mean of the semantic probabilities over each
            instance, all at least float32 and on the host, best centre first; and what
            flow estimators need of them, with the identity map.
        """
        maps = semantic[None], heatmap[None], offsets[None], foreground[None]
        dets, instances = self.of_frames(*maps, stride)
        return dets, instances.of_frame(0)

    def of_frames(
        self,
        semantic: Tensor,
        heatmaps: Tensor,
        offsets: Tensor,
        foreground: Tensor,
        stride: int,
    ) -> tuple[InstanceData, FramesInstances]:
        """The same of T frames, maps (T, ...); the host waits three times for all."""
        centers, scores, counts = centers_of_frames(
            heatmaps,
            foreground,
            self.kernel,
            self.threshold,
            self.top_k,
            stride=stride,
        )
        there, num = centers.to(offsets.device), len(centers)
        id_map = group_pixels_of_frames(there, counts, offsets, foreground, stride)
        means = instance_means(
            semantic[:, :-1].transpose(0, 1).flatten(1, 2), id_map.flatten(0, 1), num
        )
        host = copy_to_host(dict(sizes=group_sizes(id_map, num), means=means))
        dets = InstanceData(
            centers=centers, center_scores=scores, class_scores=host['means']
        )
        large = host['sizes'] * stride**2 >= self.min_area
        if not large.all():
            # The new name of each instance; what is left out becomes background.
            names = torch.zeros(num + 1, dtype=id_map.dtype)
            names[1:] = large.cumsum(0) * large
            id_map = names.to(id_map.device)[id_map]
            counts = [int(own.sum()) for own in large.split(counts)]
            dets = dets[large]
            there = dets.centers.to(offsets.device)
        places = there, dets.centers
        return dets, FramesInstances(*places, counts, id_map, offsets, stride)
