"""Soft masks of instances whose pixels were grouped."""

from __future__ import annotations

import torch
from torch import Tensor

from .flow import TargetInstances
from .grouping import group_pixels


def soft_masks(target: TargetInstances, probability: Tensor) -> Tensor:
    """Masks that are at a half where the probability of the foreground is.

    Enlarged by bilinear interpolation they end between pixels, at the edge of the
    semantic segmentation. So a pixel of the background has its probability as well,
    in the mask of the instance that it points to. With zeros there a mask would end
    too early, by up to half a pixel of the map on each side.

    Args:
        target (TargetInstances): m instances.
        probability (Tensor): (h, w) of the foreground, which is above a half where
            instances may be.

    Returns:
        Tensor: (m, h, w) of the probability's dtype. Above a half in the pixels of the
        instance, and nowhere else.
    """
    outside = probability <= 0.5
    around = group_pixels(target.centers, target.intra_offsets, outside, target.stride)
    ids = torch.arange(1, len(target.centers) + 1, device=around.device)
    owner = target.id_map.where(target.id_map > 0, around)
    return (owner == ids[:, None, None]) * probability
