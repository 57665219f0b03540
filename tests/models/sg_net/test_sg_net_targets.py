"""Which object SG-Net's locations are trained on, and its losses: mmdet's and loops."""

import math

import pytest
import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.structures import DetDataSample
from small_head import (
    CLASSES,
    FCOS,
    RANGES,
    SHAPE,
    STRIDES,
    annotated,
    feats,
    head,
)

from mmvis.models.common.batch_objects import BatchObjects


@pytest.mark.parametrize('norm_on_bbox', [False, True])
def test_detection_losses_are_those_of_mmdet(norm_on_bbox):
    ours = head(norm_on_bbox=norm_on_bbox).train()
    theirs = FCOSHead(**FCOS, norm_on_bbox=norm_on_bbox).train()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    gts = [annotated([[5, 5, 40, 30], [30, 20, 90, 60]]), annotated([])]
    inputs = feats()
    found = ours.loss_by_feat(*ours(inputs)[:3], gts, [{}, {}])
    expected = theirs.loss_by_feat(*theirs(inputs), gts, [{}, {}])
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name])


def trained_on(x, y, stride, limits, boxes):
    """FCOS's rule for one location: the smallest object that may be learnt there."""
    best, best_area = -1, math.inf
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        cx, cy, radius = (x1 + x2) / 2, (y1 + y2) / 2, 1.5 * stride
        inside = max(x1, cx - radius) < x < min(x2, cx + radius)
        inside = inside and max(y1, cy - radius) < y < min(y2, cy + radius)
        reach = max(x - x1, y - y1, x2 - x, y2 - y)
        area = (x2 - x1) * (y2 - y1)
        if inside and limits[0] <= reach <= limits[1] and area < best_area:
            best, best_area = i, area
    return best


def test_the_object_of_each_location():
    boxes = [
        [[5, 5, 40, 30], [8, 6, 34, 28], [0, 0, 96, 64]],
        [],
        [[20, 20, 50, 60]] * 2 + [[60, 10, 70, 22]],
    ]
    ours, levels = head(), head()(feats(3))
    found = ours.targets(levels, [annotated(b) for b in boxes]).gt
    expected, first = [], 0
    for frame in boxes:
        row = []
        for stride, limits in zip(STRIDES, RANGES, strict=True):
            for y in range(SHAPE[0] // stride):
                for x in range(SHAPE[1] // stride):
                    place = (x + 0.5) * stride, (y + 0.5) * stride
                    i = trained_on(*place, stride, limits, frame)
                    row.append(i + first if i >= 0 else -1)
        expected.append(row)
        first += len(frame)
    assert found.tolist() == expected
    assert {0, 1, 2, 3, 5} <= set(found.flatten().tolist())


def test_targets_are_mmdets():
    """Labels and distances looked up by number are those that FCOS assigns."""
    ours, levels = head(), head()(feats(2))
    boxes = [[[5, 5, 40, 30], [8, 6, 34, 28]], [[0, 0, 96, 64]]]
    frames = [annotated(b) for b in boxes]
    for n, frame in enumerate(frames):
        frame.labels = torch.arange(len(frame)) + n
    sizes = [tuple(level.shape[-2:]) for level in levels[0]]
    points = ours.prior_generator.grid_priors(sizes, device='cpu')
    expected = ours.get_targets(points, frames)
    targets = ours.targets(levels, frames)
    for found, theirs in zip(
        (targets.labels, targets.distances), expected, strict=True
    ):
        for level, other in zip(found, theirs, strict=True):
            assert torch.equal(level, other)
    assert set(torch.cat(targets.labels).tolist()) == {0, 1, CLASSES}


def test_more_objects_than_classes():
    boxes = [[x, y, x + 12, y + 12] for x in range(0, 84, 14) for y in (5, 30)]
    found = head().targets(head()(feats(1)), [annotated(boxes)]).gt
    assert len(set(found[found >= 0].tolist())) > CLASSES + 2


def frames_of(*annotations, video='a'):
    frames = [DetDataSample(metainfo=dict(video_id=video)) for _ in annotations]
    for frame, gt in zip(frames, annotations, strict=True):
        frame.gt_instances = gt
    return frames


def test_the_movement_loss_is_eq_4_in_strides():
    ours = head()
    pairs = [
        (annotated([[5, 5, 40, 30], [50, 10, 90, 60]], ids=[3, 4]),
         annotated([[9, 2, 45, 31], [60, 30, 80, 50]], ids=[3, 7])),
        (annotated([], ids=[]), annotated([[5, 5, 40, 30]], ids=[3])),
        (annotated([[0, 0, 40, 30]], ids=[1]), annotated([[4, 0, 44, 30]], ids=[1])),
    ]  # fmt: skip
    frames = [f for i, pair in enumerate(pairs) for f in frames_of(*pair, video=i)]
    inputs = feats(len(frames))
    levels = ours(inputs)
    pyramid = ours.flatten(levels)
    gt = ours.targets(levels, [f.gt_instances for f in frames]).gt
    objects = BatchObjects.gather(frames, torch.device('cpu'))
    loss = ours.tracking_losses(pyramid, objects, gt, 2)['loss_movement']

    maps = [
        ours.conv_movement(torch.cat([level[1::2], level[0::2]], 1))
        for level in levels.tracking
    ]
    movements = torch.cat([m.flatten(2) for m in maps], 2)
    # The objects that both frames have: their numbers, and how far they went.
    moved = {2: (4.5, -1.0), 5 + 1: (4.0, 0.0)}
    costs, first = [], [0, 2, 4, 4, 5, 6]
    for f in (1, 3, 5):
        for n, number in enumerate(gt[f].tolist()):
            if number in moved and number >= first[f]:
                stride = float(pyramid.strides[f, n])
                for axis in (0, 1):
                    target = moved[number][axis] / stride
                    costs.append((movements[f // 2, axis, n] - target).abs())
    assert len(costs) > 4
    # Of each location both coordinates are summed, as |.| of a vector in eq. 4.
    expected = torch.stack(costs).sum() / (len(costs) / 2)
    torch.testing.assert_close(loss, expected)


def test_nothing_to_follow_is_a_connected_zero():
    ours = head(embed_channels=4)
    for annotations in (
        [annotated([]), annotated([])],
        [annotated([[5, 5, 40, 30]]), annotated([])],
        [annotated([[5, 5, 40, 30]], ids=[1]), annotated([[5, 5, 40, 30]], ids=[2])],
    ):
        frames = frames_of(*annotations)
        levels = ours(feats())
        gt = ours.targets(levels, annotations).gt
        losses = ours.tracking_losses(
            ours.flatten(levels),
            BatchObjects.gather(frames, torch.device('cpu')),
            gt,
            2,
        )
        assert losses['loss_movement'] == 0
        ours.zero_grad()
        sum(losses.values()).backward()
        for conv in (ours.conv_movement, ours.conv_embed):
            assert conv.weight.grad.isfinite().all()
