"""Frames that are nothing but objects with ids."""

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

CLASSES = 5


def frame(ids, video=None, seed=0):
    """A frame of 20 x 30 pixels with objects of these ids."""
    generator = torch.Generator().manual_seed(seed)
    count = len(ids)
    low = torch.rand(count, 2, generator=generator) * 12
    masks = torch.rand(count, 20, 30, generator=generator) > 0.5
    sample = DetDataSample(metainfo={} if video is None else dict(video_id=video))
    sample.gt_instances = InstanceData(
        bboxes=torch.cat([low, low + 3 + low.flip(1) / 2], 1),
        labels=torch.randint(CLASSES, (count,), generator=generator),
        instances_ids=torch.tensor(ids, dtype=torch.long),
        masks=BitmapMasks(list(masks.numpy().astype('uint8')), 20, 30),
    )
    return sample


def clips(*videos_and_ids):
    """Frames of clips, each a video and the ids of both frames."""
    return [
        frame(ids, video, seed=10 * i + t)
        for i, (video, *pair) in enumerate(videos_and_ids)
        for t, ids in enumerate(pair)
    ]
