"""SG-Net's head against mmdet's FCOSHead, whole convolutions, and plain loops."""

import pytest
import torch
from mmdet.models.dense_heads import FCOSHead
from mmengine.config import ConfigDict
from small_head import (
    FCOS,
    SHAPE,
    TEST_CFG,
    feats,
    head,
)

from mmvis.models.sg_net.pyramid import Locations


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
            found, *_ = ours.predict(ours.flatten(ours(inputs)), None, (60, 90))
            expected = theirs.predict_by_feat(
                *theirs(inputs),
                batch_img_metas=[dict(img_shape=(60, 90), scale_factor=(1, 1))],
                cfg=ConfigDict(ours.test_cfg, min_bbox_size=0),
            )[0]
        assert len(expected) > 3
        torch.testing.assert_close(found.scores, expected.scores)
        torch.testing.assert_close(found.bboxes, expected.bboxes)
        assert found.labels.tolist() == expected.labels.tolist()


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


def test_not_a_number_detects_nothing():
    ours = head().eval()
    with torch.no_grad():
        pyramid = ours.flatten(ours(feats(1)))
        whole, *_ = ours.predict(pyramid, None, SHAPE)
        for name in ('logits', 'distances', 'centerness'):
            spoiled = getattr(pyramid, name).clone()
            spoiled[:, ::7] = torch.nan
            dets, *_ = ours.predict(pyramid._replace(**{name: spoiled}), None, SHAPE)
            assert len(dets) > 0
            assert dets.bboxes.isfinite().all()
            assert dets.scores.isfinite().all()
            every = torch.full_like(spoiled, torch.nan)
            none, *_ = ours.predict(pyramid._replace(**{name: every}), None, SHAPE)
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
        dets, *_ = ours.predict(pyramid, ours.flatten(before).tracking, SHAPE)
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
        dets, *_ = ours.predict(pyramid._replace(distances=flat), None, SHAPE)
    assert len(dets) == 0


def test_what_a_centerness_location_is():
    by_place, by_box = head().eval(), head().eval()
    by_place.test_cfg = ConfigDict(by_box.test_cfg, center='location')
    with torch.no_grad():
        pyramid = by_place.flatten(by_place(feats(1)))
        places, *_ = by_place.predict(pyramid, None, SHAPE)
        boxes, *_ = by_box.predict(pyramid, None, SHAPE)
    points = {tuple(p) for p in pyramid.points[0].tolist()}
    assert all(tuple(c) in points for c in places.centers.tolist())
    middle = (boxes.bboxes[:, :2] + boxes.bboxes[:, 2:]) / 2
    torch.testing.assert_close(boxes.centers, middle)
    with pytest.raises(ValueError, match='center must be one of'):
        head(test_cfg=dict(TEST_CFG, center='mask'))
