"""Instances of the padded network input, brought to the original frame."""

from __future__ import annotations

import torch
from mmengine.structures import InstanceData
from torch.nn.functional import interpolate

PASSED_ON = ('scores', 'labels', 'instances_id', 'class_scores')


def to_original_size(
    tracked: InstanceData, metainfo: dict, input_shape: tuple[int, int]
) -> InstanceData:
    """Boxes and masks from the padded network input to the original frame.

    Args:
        tracked (InstanceData): bboxes (n, 4) and soft masks (n, h, w), both of the
            padded input, and more.
        metainfo (dict): img_shape (without padding), ori_shape and scale_factor.
        input_shape (tuple[int, int]): Height and width of the padded input.

    Returns:
        InstanceData: bboxes, scores, labels, instances_id, class_scores where there are
        any, and masks (n, H, W) bool, of the instances whose box has its centre
        inside the frame.
    """
    height, width = metainfo['ori_shape'][:2]
    content = metainfo['img_shape'][:2]
    centre = (tracked.bboxes[:, :2] + tracked.bboxes[:, 2:]) / 2
    inside = (centre[:, 0] < content[1]) & (centre[:, 1] < content[0])
    tracked = tracked[inside.nonzero().squeeze(1)]

    scale = tracked.bboxes.new_tensor([width / content[1], height / content[0]])
    corners = tracked.bboxes.reshape(-1, 2, 2) * scale
    corners = corners.clamp(min=0).minimum(corners.new_tensor([width, height]))
    bboxes = torch.cat([corners.amin(1), corners.amax(1)], dim=1)

    # The part of the masks that is not padding.
    rows, columns = (
        int(tracked.masks.shape[side - 2] * content[side] / input_shape[side])
        for side in (0, 1)
    )
    masks = tracked.masks[:, :rows, :columns]
    if len(masks):
        masks = interpolate(masks[None], (height, width), mode='bilinear')[0]
        masks = masks > 0.5
    else:
        masks = masks.new_zeros(0, height, width, dtype=torch.bool)
    passed_on = {name: tracked[name] for name in PASSED_ON if name in tracked}
    return InstanceData(bboxes=bboxes, masks=masks, **passed_on)
