"""From the maps of one frame to its instances (InstanceFlow, section III-C1)."""

from __future__ import annotations

from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.registry import TASK_UTILS

from .center_nms import find_centers
from .flow import TargetInstances
from .grouping import group_pixels, group_sizes, instance_means


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
            instance, all at least float32, best centre first; and what flow estimators
            need of them, with the identity map.
        """
        centers, scores = find_centers(
            heatmap,
            foreground,
            self.kernel,
            self.threshold,
            self.top_k,
            stride=stride,
        )
        id_map = group_pixels(centers, offsets, foreground, stride)
        large = group_sizes(id_map, len(centers)) * stride**2 >= self.min_area
        # The new name of each instance; what is left out becomes background.
        names = large.new_zeros(len(centers) + 1, dtype=id_map.dtype)
        names[1:] = large.cumsum(0) * large
        id_map = names[id_map]
        kept = large.nonzero()[:, 0]
        instances = InstanceData(
            centers=centers[kept],
            center_scores=scores[kept],
            class_scores=instance_means(semantic[:-1], id_map, len(kept)),
        )
        target = TargetInstances(instances.centers, id_map, offsets, stride)
        return instances, target
