"""What association reads of boxes and masks, brought to the host by one copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from .match_score import MatchWeights, compare_masks


class Shapes(NamedTuple):
    """Of n detections and m tracks, on the host; None: not asked for.

    Attributes:
        finite (Tensor): (n,) bool, whether all numbers of a detection's box are.
        bbox_ious, mask_ious (Tensor | None): (n, m).
        areas (Tensor | None): (n,) mask elements above 0.5.
        track_areas (Tensor | None): (m,) likewise.
        overlaps (Tensor | None): (n, n), how much of the smaller of two detections'
            masks both have.
    """

    finite: Tensor
    bbox_ious: Tensor | None
    mask_ious: Tensor | None
    areas: Tensor | None
    track_areas: Tensor | None
    overlaps: Tensor | None


def compare_shapes(
    dets: Mapping[str, Tensor],
    tracks: Mapping[str, Tensor],
    weights: MatchWeights,
    with_areas: bool,
    with_overlaps: bool,
) -> Shapes:
    """Compare boxes and masks where they are, and bring the numbers to the host.

    Args:
        dets, tracks (Mapping[str, Tensor]): bboxes, and masks where asked for.
        weights (MatchWeights): A term of weight 0 is not computed.
        with_areas (bool): Whether areas are asked for.
        with_overlaps (bool): Whether overlaps are.
    """
    finite = dets['bboxes'].isfinite().all(1)
    bbox_ious = mask_ious = areas = track_areas = overlaps = None
    if weights.bbox_iou:
        bbox_ious = bbox_overlaps(dets['bboxes'], tracks['bboxes'])
    if weights.mask_iou or with_areas or with_overlaps:
        masks, track_masks = dets['masks'], tracks['masks']
        compared = compare_masks(masks, track_masks, with_overlaps)
        mask_ious, areas, track_areas, overlaps = compared
    shapes = Shapes(finite, bbox_ious, mask_ious, areas, track_areas, overlaps)
    if finite.device.type == 'cpu':
        return shapes
    asked = {name: part for name, part in shapes._asdict().items() if part is not None}
    flat = torch.cat([part.flatten().float() for part in asked.values()]).cpu()
    pieces = flat.split([part.numel() for part in asked.values()])
    host = {
        name: piece.view(part.shape)
        for (name, part), piece in zip(asked.items(), pieces, strict=True)
    }
    return shapes._replace(**host | dict(finite=host['finite'].bool()))
