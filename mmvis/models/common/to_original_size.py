"""Instances of the padded network input, brought to the original frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import interpolate

from .constants import constant
from .frame_groups import groups_that_fit

PASSED_ON = ('scores', 'labels', 'instances_id', 'class_scores', 'objectness')


def to_original_size(
    tracked: InstanceData,
    metainfo: dict,
    input_shape: tuple[int, int],
    mask_thr: float = 0.5,
) -> InstanceData:
    """Boxes and masks from the padded network input to the original frame.

    Args:
        tracked (InstanceData): bboxes (n, 4) and soft masks (n, h, w), both of the
            padded input, and more.
        metainfo (dict): img_shape (without padding), ori_shape and scale_factor.
        input_shape (tuple[int, int]): Height and width of the padded input.
        mask_thr (float): Pixels above it belong to an instance.

    Returns:
        InstanceData: bboxes, scores, labels, instances_id, class_scores and objectness
        where there are any, and masks (n, H, W) bool. A box beyond the frame, or in the
        padding, is clipped to one without a size.
    """
    height, width = metainfo['ori_shape'][:2]
    content = metainfo['img_shape'][:2]

    scale = constant(tracked.bboxes, [width / content[1], height / content[0]])
    corners = tracked.bboxes.reshape(-1, 2, 2) * scale
    corners = corners.clamp(min=0).minimum(constant(corners, [width, height]))
    bboxes = torch.cat([corners.amin(1), corners.amax(1)], dim=1)

    masks = _without_padding(tracked.masks, content, input_shape, (height, width))
    masks = masks > mask_thr
    passed_on = {name: tracked[name] for name in PASSED_ON if name in tracked}
    return InstanceData(bboxes=bboxes, masks=masks, **passed_on)


def to_original_sizes(
    tracked: Iterable[InstanceData],
    metainfos: Sequence[dict],
    input_shape: tuple[int, int],
    mask_thr: float = 0.5,
) -> Iterator[InstanceData]:
    """:func:`to_original_size` of frames of one size, together as memory allows.

    Args:
        tracked (Iterable[InstanceData]): Of each frame, all with the same fields.
        metainfos (Sequence[dict]): Of each frame, with equal sizes.
        input_shape (tuple[int, int]): Height and width of the padded input.
        mask_thr (float): Pixels above it belong to an instance.
    """
    pixels = math.prod(metainfos[0]['ori_shape'][:2])
    for frames in groups_that_fit(tracked, lambda frame: len(frame) * pixels):
        yield from _together(frames, metainfos[0], input_shape, mask_thr)


def _together(
    frames: list[InstanceData],
    metainfo: dict,
    input_shape: tuple[int, int],
    mask_thr: float,
) -> list[InstanceData]:
    how = metainfo, input_shape, mask_thr
    if len(frames) < 2:
        return [to_original_size(frame, *how) for frame in frames]
    names = {'bboxes', 'masks', *PASSED_ON} & set(frames[0].keys())
    joined = {name: torch.cat([frame[name] for frame in frames]) for name in names}
    large = to_original_size(InstanceData(**joined), *how)
    parts = {
        name: value.split([len(frame) for frame in frames])
        for name, value in large.items()
    }
    return [
        InstanceData(**{name: part[t] for name, part in parts.items()})
        for t in range(len(frames))
    ]


def _without_padding(
    masks: Tensor,
    content: tuple[int, int],
    input_shape: tuple[int, int],
    size: tuple[int, int],
) -> Tensor:
    """The part of soft masks (n, h, w) that is not padding, in another size."""
    if len(masks) == 0:
        return masks.new_zeros(0, *size)
    cells = [
        side * part / whole
        for side, part, whole in zip(masks.shape[1:], content, input_shape, strict=True)
    ]
    # A cell that is padding in part is taken whole: a mask keeps its scale, and what
    # it has too much at the end is cut off.
    rows, columns = (math.ceil(round(side, 6)) for side in cells)
    masks = masks[None, :, :rows, :columns]
    if (rows, columns) == tuple(cells):
        masks = interpolate(masks, size, mode='bilinear')[0]
    else:
        # Rounded up by so little that the length does not come out one short.
        scale = [
            length / side * (1 + 1e-9) for length, side in zip(size, cells, strict=True)
        ]
        masks = interpolate(masks, scale_factor=scale, mode='bilinear')[0]
    return masks[:, : size[0], : size[1]]
