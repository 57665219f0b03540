"""How SG-Net is made to detect discs: the details of ``forced_instances`` for it.

The logits, distances and centerness of the locations nearest to a disc are set, then
the attention scores of the kept boxes: all sub-regions have those of the same disc.
With one score a sub-region there is no such thing, and masks are whole boxes.
"""

from __future__ import annotations

import torch
from mmengine.structures import InstanceData
from torch import Tensor

CERTAIN = 20.0


def detect_near(pyramid, boxes: Tensor, kinds: Tensor, scores: Tensor, copies: int):
    """The pyramid as of a network that finds some boxes, several times each.

    Args:
        pyramid (SGNetPyramid): Of B frames.
        boxes (Tensor): (copies * n, 4), detection by detection.
        kinds (Tensor): (copies * n,) int64, classes but for the number of them.
        scores (Tensor): (copies * n,).
        copies (int): Detections of an instance.
    """
    points = pyramid.points[0]
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    count = len(boxes) // copies
    centers = centers.view(copies, count, 2).mean(0)
    # The nearest locations: duplicates take the first, second, ... of their disc.
    nearest = torch.cdist(centers, points).topk(copies, largest=False).indices
    nearest = nearest.t().flatten()
    place = points[nearest]
    distances = pyramid.distances.clone()
    sides = torch.cat([place - boxes[:, :2], boxes[:, 2:] - place], dim=1)
    distances[:, nearest] = sides.to(distances.dtype)
    logits = torch.full_like(pyramid.logits, -CERTAIN)
    labels = kinds % logits.shape[-1]
    logits[:, nearest, labels] = scores.logit().to(logits.dtype)
    centerness = torch.full_like(pyramid.centerness, CERTAIN)
    return pyramid._replace(logits=logits, distances=distances, centerness=centerness)


def be_discs(dets: InstanceData, coefficients: Tensor, num_base_masks: int) -> None:
    """Stand still, and have the masks of these coefficients (n, 4), in place."""
    dets.movements = torch.zeros_like(dets.movements)
    attention = torch.full_like(dets.attention, CERTAIN)
    if attention.shape[1] > num_base_masks:
        attention = attention.view(len(dets), -1, num_base_masks)
        attention.zero_()[..., :4] = coefficients[:, None]
    dets.attention = attention.flatten(1)
