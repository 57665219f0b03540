"""Masks of a frame's detections, compared with all that a track may be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .match_score import MatchWeights, ious_of, overlaps_of, products
from .shapes import Shapes, compare_boxes


class StateShapes:
    """:func:`compare_shapes` of one frame that looks masks up, and compares boxes.

    Args:
        first (int): Number of the frame's first state.
        intersections (Tensor): (n, s) mask elements that each of n detections and of s
            states, the detections first, have in common; on the host.
        areas (Tensor): (s,) mask elements above 0.5.
    """

    def __init__(self, first: int, intersections: Tensor, areas: Tensor) -> None:
        self.first, self.intersections, self.areas = first, intersections, areas

    def __call__(
        self,
        dets: Mapping[str, Tensor],
        tracks: Mapping[str, Tensor],
        weights: MatchWeights,
        with_areas: bool,
        with_overlaps: bool,
    ) -> Shapes:
        """Of detections and tracks on the host, with ``state`` in place of masks."""
        own, known = dets['state'] - self.first, tracks['state'] - self.first
        areas, track_areas = self.areas[own], self.areas[known]
        rows, overlaps = self.intersections[own], None
        if with_overlaps:
            overlaps = overlaps_of(rows[:, own], areas)
        finite, bbox_ious = compare_boxes(dets, tracks, weights)
        mask_ious = ious_of(rows[:, known], areas, track_areas)
        return Shapes(finite, bbox_ious, mask_ious, areas, track_areas, overlaps)


def compare_states(
    masks: Tensor, counts: Sequence[int], sizes: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Each frame's detections with all of its states, in one row for one copy.

    Args:
        masks (Tensor): (S, h, w) of the states of B frames, frame by frame, the
            detections first in each.
        counts (Sequence[int]): How many detections each frame has.
        sizes (Sequence[int]): How many states.

    Returns:
        tuple[Tensor, Tensor]: Areas (S,), and all intersections one after the other, as
        :func:`of_frames` takes them; both float32.
    """
    flat = (masks > 0.5).flatten(1).float()
    pairs = [
        products(states[:count], states).flatten()
        for count, states in zip(counts, flat.split(list(sizes)), strict=True)
        if count
    ]
    return flat.sum(1), torch.cat(pairs) if pairs else flat.new_zeros(0)


def of_frames(
    areas: Tensor, intersections: Tensor, counts: Sequence[int], sizes: Sequence[int]
) -> list[StateShapes]:
    """What compares the masks of each frame, of :func:`compare_states` on the host."""
    numbers = [count * size for count, size in zip(counts, sizes, strict=True)]
    shapes, first = [], 0
    for count, size, pairs in zip(
        counts, sizes, intersections.split(numbers), strict=True
    ):
        own = areas[first : first + size]
        shapes.append(StateShapes(first, pairs.view(count, size), own))
        first += size
    return shapes
