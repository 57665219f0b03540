"""SG-Net's head against mmdet's FCOSHead, whole convolutions, and plain loops."""

import math

import pytest
import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvis.models.common.batch_objects import BatchObjects
from mmvis.models.sg_net.pyramid import Locations
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


def all_locations(pyramid):
    frames, count = pyramid.centerness.shape
    frame = torch.arange(frames).repeat_interleave(count)
    return Locations(frame, torch.arange(count).repeat(frames))


@pytest.mark.parametrize('norm_on_bbox', [False, True])
@pytest.mark.parametrize('centerness_on_reg', [False, True])
def test_detections_are_those_of_mmdet(norm_on_bbox, centerness_on_reg):
    kwargs = dict(norm_on_bbox=norm_on_bbox, centerness_on_reg=centerness_on_reg)
    ours = head(**kwargs).eval()
    theirs = FCOSHead(**FCOS, **kwargs).eval()
    missing = theirs.load_state_dict(ours.state_dict(), strict=False).missing_keys
    assert missing == []
    for seed in range(5):
        inputs = feats(1, seed)
        with torch.no_grad():
            found = ours.predict(ours.flatten(ours(inputs)), None, (60, 90))
            expected = theirs.predict_by_feat(
                *theirs(inputs),
                batch_img_metas=[dict(img_shape=(60, 90), scale_factor=(1, 1))],
                cfg=ConfigDict(ours.test_cfg, min_bbox_size=0),
            )[0]
        assert len(expected) > 3
        torch.testing.assert_close(found.scores, expected.scores)
        torch.testing.assert_close(found.bboxes, expected.bboxes)
        assert found.labels.tolist() == expected.labels.tolist()


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
    points = ours.prior_generator.grid_priors([tuple(x.shape[-2:]) for x in levels[0]])
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


def test_predictions_at_locations_are_those_of_whole_convolutions():
    ours = head(embed_channels=4).eval()
    with torch.no_grad():
        levels = ours(feats())
        pyramid = ours.flatten(levels)
        at = all_locations(pyramid)
        attention = ours.attention_scores(pyramid, at)
        embeddings = ours.embeddings(pyramid, at)
        previous = pyramid.tracking.flip(0)
        movements = ours.movements(pyramid, previous, at)
        for conv, feature, found in (
            (ours.conv_attention, levels.attention, attention),
            (ours.conv_embed, levels.tracking, embeddings),
        ):
            maps = [conv(level).flatten(2) for level in feature]
            expected = torch.cat(maps, 2).transpose(1, 2).flatten(0, 1)
            if conv is ours.conv_embed:
                expected = expected / expected.norm(dim=1, keepdim=True)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
        maps = [
            ours.conv_movement(torch.cat([level, level.flip(0)], 1)).flatten(2)
            for level in levels.tracking
        ]
        expected = torch.cat(maps, 2).transpose(1, 2).flatten(0, 1)
        torch.testing.assert_close(movements, expected, atol=1e-5, rtol=1e-4)


def test_no_previous_frame_reads_zeros():
    ours = head().eval()
    pyramid = ours.flatten(ours(feats(1)))
    at = all_locations(pyramid)
    zeros = torch.zeros_like(pyramid.tracking)
    first = ours.movements(pyramid, None, at)
    torch.testing.assert_close(first, ours.movements(pyramid, zeros, at))
    other = ours.movements(pyramid, torch.randn_like(zeros), at)
    assert not torch.allclose(first, other)
    alone = head(previous_features=False).eval()
    pyramid = alone.flatten(alone(feats(1)))
    first = alone.movements(pyramid, None, at)
    torch.testing.assert_close(first, alone.movements(pyramid, zeros + 1, at))


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


def test_not_a_number_detects_nothing():
    ours = head().eval()
    with torch.no_grad():
        pyramid = ours.flatten(ours(feats(1)))
        whole = ours.predict(pyramid, None, SHAPE)
        for name in ('logits', 'distances', 'centerness'):
            spoiled = getattr(pyramid, name).clone()
            spoiled[:, ::7] = torch.nan
            dets = ours.predict(pyramid._replace(**{name: spoiled}), None, SHAPE)
            assert len(dets) > 0
            assert dets.bboxes.isfinite().all()
            assert dets.scores.isfinite().all()
            every = torch.full_like(spoiled, torch.nan)
            none = ours.predict(pyramid._replace(**{name: every}), None, SHAPE)
            assert len(none) == 0
            assert none.attention.shape == (0, 5)
    assert len(whole) > 0


@pytest.mark.parametrize('previous_features', [True, False])
def test_detections_have_what_their_location_predicts(previous_features):
    ours = head(previous_features=previous_features, embed_channels=4).eval()
    ours.test_cfg.center = 'location'
    with torch.no_grad():
        now, before = ours(feats(1)), ours(feats(1, seed=2))
        pyramid = ours.flatten(now)
        dets = ours.predict(pyramid, ours.flatten(before).tracking, SHAPE)
        maps = dict(
            attention=[ours.conv_attention(level) for level in now.attention],
            embeddings=[ours.conv_embed(level) for level in now.tracking],
            movements=[
                ours.conv_movement(torch.cat([a, b], 1) if previous_features else a)
                for a, b in zip(now.tracking, before.tracking, strict=True)
            ],
        )
    strides = set()
    points = [tuple(p) for p in pyramid.points[0].tolist()]
    for i, place in enumerate(dets.centers.tolist()):
        index = points.index(tuple(place))
        stride = float(pyramid.strides[0, index])
        strides.add(stride)
        for name, levels in maps.items():
            expected = torch.cat([m.flatten(2) for m in levels], 2)[0, :, index]
            if name == 'movements':
                expected = expected * stride
            if name == 'embeddings':
                expected = expected / expected.norm()
            torch.testing.assert_close(dets[name][i], expected, atol=1e-4, rtol=1e-4)
    assert len(strides) > 1


def test_boxes_are_clipped_to_their_own_frames():
    ours = head().eval()
    pyramid = ours.flatten(ours(feats()))
    pyramid = pyramid._replace(distances=torch.full_like(pyramid.distances, 200.0))
    at = Locations(torch.tensor([0, 1, 1]), torch.tensor([3, 3, 50]))
    boxes = ours.boxes(pyramid, at, torch.tensor([[60, 90], [32, 96]]))
    expected = [[0, 0, 90, 60], [0, 0, 96, 32], [0, 0, 96, 32]]
    assert boxes.tolist() == expected


def test_boxes_without_area_are_not_detections():
    ours = head().eval()
    with torch.no_grad():
        pyramid = ours.flatten(ours(feats(1)))
        flat = pyramid.distances.clone()
        flat[..., [1, 3]] = 0
        dets = ours.predict(pyramid._replace(distances=flat), None, SHAPE)
    assert len(dets) == 0


def test_what_a_centerness_location_is():
    by_place, by_box = head().eval(), head().eval()
    by_place.test_cfg = ConfigDict(by_box.test_cfg, center='location')
    with torch.no_grad():
        pyramid = by_place.flatten(by_place(feats(1)))
        places = by_place.predict(pyramid, None, SHAPE)
        boxes = by_box.predict(pyramid, None, SHAPE)
    points = {tuple(p) for p in pyramid.points[0].tolist()}
    assert all(tuple(c) in points for c in places.centers.tolist())
    middle = (boxes.bboxes[:, :2] + boxes.bboxes[:, 2:]) / 2
    torch.testing.assert_close(boxes.centers, middle)
    with pytest.raises(ValueError, match='center must be one of'):
        head(test_cfg=dict(TEST_CFG, center='mask'))
