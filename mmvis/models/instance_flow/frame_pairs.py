"""The inter-frame branch on pairs of frames: as many at once as memory allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter

import torch
from torch import Tensor

from mmvis.structures.nested_tensors import map_tensors

from .inter_frame_head import InterFrameFeatures, InterFrameHead
from .multi_scale import in_input_pixels, mean_of_scales

# Of all pairs at a time: 70 of 360x640, whose decoder has some 0.8 GB in float32.
PIXELS_AT_ONCE = 2**20


def fields_of_pairs(
    head: InterFrameHead,
    inter: tuple[InterFrameFeatures, ...],
    references: Sequence[tuple],
    size: tuple[int, ...],
    frame: Sequence[int] = (),
) -> Tensor:
    """What the inter-frame head says of P pairs of frames, scales averaged.

    Args:
        head (InterFrameHead): Of the model.
        inter (tuple[InterFrameFeatures, ...]): Of T frames, at each scale.
        references (Sequence[tuple]): ``references`` of P frames, at each scale.
        size (tuple[int, int]): h and w of the maps.
        frame (Sequence[int]): Which of the T frames is each pair's target. Of one
            frame it is not needed.

    Returns:
        Tensor: (P, 2, h, w) offsets in pixels of the input, or affinity fields.
    """
    at_once = max(1, PIXELS_AT_ONCE // math.prod(size))
    starts = range(0, len(references), at_once)
    parts = [slice(start, start + at_once) for start in starts]
    several = len(inter[0].deep) > 1
    fields = [
        _fields(
            head,
            _chosen(inter, frame[part]) if several else inter,
            references[part],
            size,
        )
        for part in parts
    ]
    return fields[0] if len(fields) == 1 else torch.cat(fields)


def _chosen(
    inter: tuple[InterFrameFeatures, ...], frame: Sequence[int]
) -> tuple[InterFrameFeatures, ...]:
    index = torch.tensor(list(frame)).to(inter[0].deep.device)
    return map_tensors(itemgetter(index), inter)


def _fields(
    head: InterFrameHead,
    targets: tuple[InterFrameFeatures, ...],
    references: Sequence[tuple],
    size: tuple[int, ...],
) -> Tensor:
    fields = []
    for scale, target in enumerate(targets):
        remembered = [features[scale] for features in references]
        stacked = tuple(torch.cat(maps) for maps in zip(*remembered, strict=True))
        field = head(target, stacked)
        if head.gives_offsets:
            field = in_input_pixels(field, size)
        fields.append(field)
    return mean_of_scales(fields, size)
