"""What association reads of boxes and masks, brought to the host by one copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from mmvis.models.common.host_copies import copy_to_host

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
    finite, bbox_ious = compare_boxes(dets, tracks, weights)
    mask_ious = areas = track_areas = overlaps = None
    if weights.mask_iou or with_areas or with_overlaps:
        masks, track_masks = dets['masks'], tracks['masks']
        compared = compare_masks(masks, track_masks, with_overlaps)
        mask_ious, areas, track_areas, overlaps = compared
    shapes = Shapes(finite, bbox_ious, mask_ious, areas, track_areas, overlaps)
    if finite.device.type == 'cpu':
        return shapes
    asked = {name: part for name, part in shapes._asdict().items() if part is not None}
    return shapes._replace(**copy_to_host(asked))


def compare_boxes(
    dets: Mapping[str, Tensor], tracks: Mapping[str, Tensor], weights: MatchWeights
) -> tuple[Tensor, Tensor | None]:
    """Which boxes are finite (n,), and their IoU (n, m) with tracks' if it counts."""
    finite = dets['bboxes'].isfinite().all(1)
    if not weights.bbox_iou:
        return finite, None
    return finite, bbox_overlaps(dets['bboxes'], tracks['bboxes'])
