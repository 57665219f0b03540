"""Clips that carry their own ground truth in their pixels.

Channel 0 and 1 of every frame are the pixel's x and y in the unwarped frame, so that a
warp can be read off the result; channel 2 is the id of the visible object. Objects are
random ellipses, later ones in front; each frame lists its objects in its own order.
"""

import numpy as np
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks


def label_of(instance_id):
    """Labels follow from ids, so that a swapped row shows."""
    return np.asarray(instance_id) * 3 % 7


def make_clip(
    rng, frames=2, size=(72, 96), ids=(11, 12, 13, 14), boxes='array', scatter=12
):
    """A list-valued clip; objects move by up to `scatter` px from frame to frame."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    centres = rng.uniform(0.15, 0.85, (len(ids), 2)) * [width, height]
    radii = rng.uniform(5, 16, (len(ids), 2))
    results = {key: [] for key in ('img', 'gt_bboxes', 'gt_bboxes_labels', 'gt_masks')}
    results |= {'gt_instances_ids': [], 'gt_ignore_flags': [], 'img_shape': []}
    for _ in range(frames):
        moved = centres + rng.uniform(-scatter, scatter, centres.shape)
        owner = np.zeros(size, np.int64)
        for instance_id, (cx, cy), (rx, ry) in zip(ids, moved, radii, strict=True):
            owner[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1] = instance_id
        shown = rng.permutation([i for i in ids if (owner == i).any()])
        masks = (owner == shown[:, None, None]).astype(np.uint8)
        tight = np.array([brute_box(m) for m in masks], np.float32).reshape(-1, 4)
        results['img'].append(np.stack([x, y, owner], axis=2).astype(np.float32))
        results['gt_bboxes'].append(
            HorizontalBoxes(tight) if boxes == 'hbox' else tight
        )
        results['gt_bboxes_labels'].append(label_of(shown).astype(np.int64))
        results['gt_masks'].append(BitmapMasks(masks, height, width))
        results['gt_instances_ids'].append(shown.astype(np.int64))
        results['gt_ignore_flags'].append(np.zeros(len(shown), bool))
        results['img_shape'].append(size)
    results['ori_shape'] = [size] * frames
    results['video_id'] = [5] * frames
    results['img_id'] = list(range(100, 100 + frames))
    results['img_path'] = [f'video/{i:05d}.png' for i in range(frames)]
    results['frame_id'] = list(range(frames))
    results['video_length'] = results['ori_video_length'] = [frames] * frames
    results['key_frame_flags'] = [i == frames - 1 for i in range(frames)]
    return results


def brute_box(mask):
    """xyxy of the pixels of one mask, exclusive at the far sides."""
    ys, xs = np.nonzero(mask)
    if len(ys) == 0:
        return [0, 0, 0, 0]
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def plain_boxes(boxes):
    return boxes.numpy() if isinstance(boxes, HorizontalBoxes) else boxes


def check_frame(results, frame, tight=True):
    """Rows of one frame agree with its pixels; returns {id: visible pixels}.

    Exact for warps that move whole pixels: an object's mask is where channel 2 holds
    its id, its label follows from the id and its box surrounds the mask.
    """
    owner = np.rint(results['img'][frame][..., 2]).astype(int)
    ids = results['gt_instances_ids'][frame]
    masks = results['gt_masks'][frame]
    boxes = plain_boxes(results['gt_bboxes'][frame])
    counts = {len(results[key][frame]) for key in results if key.startswith('gt_')}
    assert counts == {len(ids)}
    assert len(set(ids.tolist())) == len(ids)
    assert (masks.height, masks.width) == owner.shape
    assert tuple(results['img_shape'][frame]) == owner.shape
    np.testing.assert_array_equal(results['gt_bboxes_labels'][frame], label_of(ids))
    for row, instance_id in enumerate(ids):
        np.testing.assert_array_equal(masks.masks[row] > 0, owner == instance_id)
        assert masks.masks[row].any()
        if tight:
            np.testing.assert_allclose(boxes[row], brute_box(masks.masks[row]))
    return {int(i): int((owner == i).sum()) for i in np.unique(owner) if i > 0}


def check_clip(results, tight=True):
    """All frames were warped alike and nothing visible lost its row."""
    for frame in range(len(results['img'])):
        visible = check_frame(results, frame, tight)
        assert set(visible) == set(results['gt_instances_ids'][frame].tolist())
        np.testing.assert_array_equal(
            results['img'][frame][..., :2], results['img'][0][..., :2]
        )
