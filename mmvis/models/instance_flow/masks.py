"""Soft masks of instances whose pixels were grouped."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.frame_groups import groups_that_fit
from mmvis.models.common.mask_boxes import mask_boxes
from mmvis.models.common.to_original_size import PASSED_ON, to_original_size

from .flow import FramesInstances
from .grouping import group_pixels_of_frames


def soft_masks(
    instances: FramesInstances, probability: Tensor, frames: slice = slice(None)
) -> Tensor:
    """Masks that are at a half where the probability of the foreground is.

    Enlarged by bilinear interpolation they end between pixels, at the edge of the
    semantic segmentation. So a pixel of the background has its probability as well,
    in the mask of the instance that it points to. With zeros there a mask would end
    too early, by up to half a pixel of the map on each side.

    Args:
        instances (FramesInstances): Of T frames.
        probability (Tensor): (T, h, w) of the foreground, which is above a half where
            instances may be.
        frames (slice): Those whose masks are made.

    Returns:
        Tensor: (m, h, w) of the probability's dtype, of the instances in these frames.
        Above a half in the pixels of the instance, and nowhere else.
    """
    first, stop, _ = frames.indices(len(instances.counts))
    counts, rows = instances.counts[frames], instances.starts[first : stop + 1]
    probability = probability[frames]
    around = group_pixels_of_frames(
        instances.centers[rows[0] : rows[-1]],
        counts,
        instances.intra_offsets[frames],
        probability <= 0.5,
        instances.stride,
    )
    own = instances.id_map[frames]
    if rows[0]:
        own = own - rows[0]
    owner = own.where(own > 0, around)
    if len(counts) > 1:
        number = [t for t, count in enumerate(counts) for _ in range(count)]
        frame = torch.tensor(number, dtype=torch.long).to(owner.device)
        owner, probability = owner[frame], probability[frame]
    ids = torch.arange(1, rows[-1] - rows[0] + 1, device=owner.device)
    return (owner == ids[:, None, None]) * probability


def with_masks(
    tracked: list[InstanceData],
    instances: FramesInstances,
    probability: Tensor,
    metainfo: dict,
) -> Iterator[InstanceData]:
    """Tracked instances of T frames with masks of the original size, and their boxes.

    Args:
        tracked (list[InstanceData]): Of each frame.
        instances (FramesInstances): Of all.
        probability (Tensor): See :func:`soft_masks`.
        metainfo (dict): img_shape, ori_shape and batch_input_shape of all.
    """
    pixels = math.prod(metainfo['ori_shape'][:2])
    first = 0
    for group in groups_that_fit(tracked, lambda frame: len(frame) * pixels):
        part = slice(first, first + len(group))
        first = part.stop
        soft = soft_masks(instances, probability, part)
        # Nothing is in the padding; the boxes are those of the enlarged masks.
        large = InstanceData(masks=soft, bboxes=soft.new_zeros(len(soft), 4))
        shape = tuple(metainfo['batch_input_shape'])
        masks = to_original_size(large, metainfo, shape).masks
        counts = instances.counts[part]
        for frame, bboxes, own in zip(
            group, mask_boxes(masks).split(counts), masks.split(counts), strict=True
        ):
            kept = {name: frame[name] for name in PASSED_ON if name in frame}
            yield InstanceData(bboxes=bboxes, masks=own, **kept)
