"""How InstanceFlow is made to detect discs: the details of ``forced_instances`` for it.

Classes, centres and offsets are maps at a quarter of the input's size. Each disc has
one class, a peak at its centre and offsets to it; in the past it was where it is now.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmvis.models.instance_flow.grouping import pixel_positions

STRIDE = 4


def be_disc_maps(feats, boxes: Tensor, kinds: Tensor):
    """``InstanceFlowFeatures`` as of a network that finds a disc in each box.

    Args:
        feats (InstanceFlowFeatures): Of T frames.
        boxes (Tensor): (n, 4) xyxy in pixels of the input, which do not overlap.
        kinds (Tensor): (n,) int64, their classes but for the number of them.
    """
    intra, inside, nearest = disc_offsets(feats.intra, boxes)
    classes = feats.semantic.shape[1] - 1
    semantic = torch.zeros_like(feats.semantic)
    label = torch.where(inside, kinds[nearest] % classes, classes)
    semantic.scatter_(1, label.expand(len(semantic), 1, *label.shape), 1.0)
    distance = intra.square().sum(0)
    # The least distance of each disc's pixels is its only peak.
    peak = 0.95 * (-distance / (2 * (2 * STRIDE) ** 2)).exp() * inside
    heatmap = torch.zeros_like(feats.heatmap) + peak
    intra = intra.expand_as(feats.intra).to(feats.intra.dtype)
    return feats._replace(semantic=semantic, heatmap=heatmap, intra=intra)


def disc_offsets(like: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Offsets (2, h, w) to the nearest centre; whether in its disc; and whose it is.

    Args:
        like (Tensor): (..., h, w) of the maps' size and device.
        boxes (Tensor): (n, 4).
    """
    position = pixel_positions(*like.shape[-2:], STRIDE, boxes)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    radii = (boxes[:, 2:] - boxes[:, :2]) / 2
    offsets = centers[:, :, None, None] - position
    reach = (offsets / radii[:, :, None, None]).square().sum(1)
    reach, nearest = reach.min(0)
    rows, columns = (torch.arange(s, device=like.device) for s in like.shape[-2:])
    intra = offsets[nearest, :, rows[:, None], columns].permute(2, 0, 1)
    return intra, reach <= 1, nearest
