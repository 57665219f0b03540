"""The masks of a chunk's detections, compared before the first of them is tracked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.host_copies import copy_to_host

from .match_score import MatchWeights, compare_masks
from .shapes import Shapes, compare_boxes
from .track_memory import TrackMemory


class ChunkShapes:
    """:func:`compare_shapes` that looks masks up instead of comparing them.

    Which pairs association will ask for depends on what it decides on the way, but all
    of them are among the masks of the chunk and of the tracks before it: one product of
    matrices compares each with each, and one copy brings the numbers to the host.

    Args:
        num_tracks (int): How many of the masks are of tracks; these come first.
        ious (Tensor): (n, N) of n detections and of all masks, on the host.
        areas (Tensor): (N,) elements above 0.5.
        overlaps (Tensor | None): (n, n), see :class:`Shapes`.
    """

    def __init__(
        self, num_tracks: int, ious: Tensor, areas: Tensor, overlaps: Tensor | None
    ) -> None:
        self.num_tracks = num_tracks
        self.ious, self.areas, self.overlaps = ious, areas, overlaps

    def __call__(
        self,
        dets: Mapping[str, Tensor],
        tracks: Mapping[str, Tensor],
        weights: MatchWeights,
        with_areas: bool,
        with_overlaps: bool,
    ) -> Shapes:
        """Of detections and tracks on the host, with ``mask_row`` in place of masks."""
        rows, columns = dets['mask_row'], tracks['mask_row']
        own = rows - self.num_tracks
        overlaps = self.overlaps
        finite, bbox_ious = compare_boxes(dets, tracks, weights)
        return Shapes(
            finite,
            bbox_ious,
            mask_ious=self.ious[own[:, None], columns],
            areas=self.areas[rows],
            track_areas=self.areas[columns],
            overlaps=None if overlaps is None else overlaps[own[:, None], own],
        )


@contextmanager
def masks_compared_at_once(
    dets: InstanceData, memory: TrackMemory, with_overlaps: bool
) -> Iterator[tuple[InstanceData, Tensor, tuple[ChunkShapes]]]:
    """Within it the tracks of a memory have rows of masks, not masks.

    Args:
        dets (InstanceData): Of all frames of a chunk, with masks (n, h, w).
        memory (TrackMemory): As it is before the first of these frames. Afterwards its
            masks are back, those of the tracks that live then.
        with_overlaps (bool): Whether overlaps of detections are asked for.

    Yields:
        tuple: The detections on the host with their ``mask_row``, the masks (N, h, w)
        that these are rows of, and what compares them with each other and the tracks.
    """
    masks, known = dets.masks, memory.fields
    tracks = known.pop('masks', masks[:0])
    if tracks.shape[1:] != masks.shape[1:]:
        tracks = tracks.new_zeros(len(tracks), *masks.shape[1:])
    masks, first = torch.cat([tracks, masks]), len(tracks)
    ious, _, areas, overlaps = compare_masks(masks[first:], masks, with_overlaps)
    pairs = dict(ious=ious, areas=areas)
    if overlaps is not None:
        pairs['overlaps'] = overlaps
    fields = {name: value for name, value in dets.items() if name != 'masks'}
    host = copy_to_host(
        {('dets', name): value for name, value in fields.items()}
        | {('tracks', name): value for name, value in known.items()}
        | {('pairs', name): value for name, value in pairs.items()}
    )
    numbers, known, pairs = (
        {name: value for (kind, name), value in host.items() if kind == wanted}
        for wanted in ('dets', 'tracks', 'pairs')
    )
    numbers['mask_row'] = torch.arange(first, len(masks))
    memory.exchange(mask_row=torch.arange(first), **known)
    shapes = ChunkShapes(first, overlaps=pairs.pop('overlaps', None), **pairs)
    try:
        yield InstanceData(**numbers), masks, (shapes,)
    finally:
        left = memory.fields
        if left:
            rows = left.pop('mask_row')
            memory.exchange(masks=masks[rows.to(masks.device)], **left)
