"""A small head of SG-Net with large weights, and its inputs."""

import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvis.registry import MODELS

SHAPE = (64, 96)
STRIDES = [8, 16, 32]
RANGES = ((-1, 24), (24, 48), (48, 1e8))
CLASSES = 3
TEST_CFG = dict(
    nms_pre=1000,
    score_thr=0.3,
    nms=dict(type='nms', iou_threshold=0.5),
    max_per_img=20,
)
FCOS = dict(
    num_classes=CLASSES,
    in_channels=8,
    feat_channels=8,
    stacked_convs=1,
    strides=STRIDES,
    regress_ranges=RANGES,
    center_sampling=True,
    norm_cfg=None,
)


def head(seed=0, **kwargs):
    """A head with weights large enough for its predictions to differ."""
    init_default_scope('mmvis')
    torch.manual_seed(seed)
    made = MODELS.build(
        dict(type='SGNetHead', num_scores=5, test_cfg=TEST_CFG) | FCOS | kwargs
    )
    for parameter in made.parameters():
        if parameter.dim() == 4:
            torch.nn.init.normal_(parameter, std=0.15)
    return made


def feats(frames=2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(frames, 8, SHAPE[0] // s, SHAPE[1] // s, generator=generator)
        for s in STRIDES
    ]


def annotated(boxes, ids=None, labels=None):
    boxes = torch.tensor(boxes, dtype=torch.float).reshape(-1, 4)
    count = len(boxes)
    ids = torch.tensor(range(count) if ids is None else ids, dtype=torch.long)
    masks = torch.zeros(count, *SHAPE, dtype=torch.uint8).numpy()
    return InstanceData(
        bboxes=boxes,
        labels=(ids if labels is None else torch.tensor(labels)) % CLASSES,
        instances_ids=ids,
        masks=BitmapMasks(masks, *SHAPE),
    )
