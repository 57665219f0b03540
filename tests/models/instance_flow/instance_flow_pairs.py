"""Random annotated pairs of frames for InstanceFlow's losses."""

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

SHAPE = (32, 48)


def instances(masks, ids, boxes=None):
    masks = np.asarray(masks, np.uint8).reshape(-1, *SHAPE)
    ids = torch.as_tensor(ids, dtype=torch.long)
    return InstanceData(
        bboxes=torch.zeros(len(ids), 4) if boxes is None else torch.tensor(boxes),
        labels=ids % 5,
        masks=BitmapMasks(masks, *SHAPE),
        instances_ids=ids,
    )


def frame(masks, ids, ignored=None, video_id=0, img_shape=SHAPE):
    sample = DetDataSample(metainfo=dict(video_id=video_id, img_shape=img_shape))
    sample.gt_instances = instances(masks, ids)
    if ignored is not None:
        sample.ignored_instances = ignored
    return sample


def random_masks(rng, count, owner=None):
    """Ellipses of several sizes, later ones in front, each at least a pixel."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    owner = np.zeros(SHAPE, int)
    for i in range(count):
        cx, cy = rng.uniform(0, SHAPE[1]), rng.uniform(0, SHAPE[0])
        rx, ry = rng.uniform(2, 14, 2)
        owner[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1] = i + 1
    return np.stack([owner == i + 1 for i in range(count)] or [owner[:0]])


def random_frames(seed, clips=2):
    """Pairs of frames that share some of their objects."""
    rng = np.random.default_rng(seed)
    frames = []
    for clip in range(clips):
        for _ in range(2):
            count = int(rng.integers(0, 5))
            ids = rng.permutation(6)[:count]
            frames.append(frame(random_masks(rng, count), ids, video_id=clip))
    return frames
