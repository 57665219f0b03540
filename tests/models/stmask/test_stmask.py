"""STMask on random weights: the video loop, propagation, and gradients."""

import copy

import numpy as np
import pytest
import torch
from model_configs import build
from model_factory import (
    COUNTS,
    clip_sample,
    moving_frames,
    predict,
    tiny_config,
    training_clip,
)
from video_models import stmask as model

from mmvis.models.common.to_original_size import to_original_size
from mmvis.models.stmask.outputs import STMaskOutputs
from mmvis.structures import decode_masks


def blind(net, frames):
    """The network detects nothing in these frames of a clip."""
    forward = net.bbox_head.forward

    def patched(feats, **kwargs):
        outputs, shared = forward(feats, **kwargs)
        logits = outputs.logits.clone()
        logits[frames, :, -1] = 50.0
        return outputs._replace(logits=logits), shared

    net.bbox_head.forward = patched
    # Frame by frame on a CPU: the patched forward would see one frame at a time.
    return net


def test_tracks_go_on_where_nothing_is_detected():
    net = copy.deepcopy(model())
    first = predict(net, [1], frames=moving_frames(3)[:1])[0]
    state, frames = net.init_state(), moving_frames(3)
    with torch.no_grad():
        net.predict_clip(frames[:1], clip_sample(1, 9, 0, 3), state)
        boxes = state.memory['bboxes'].clone()
        coefficients = state.memory['coefficients'].clone()
        previous = state.temporal
        features = net.extract_feat(frames[1:2])
        deltas, increments = net.temporal_net.between(
            tuple(f[None] for f in previous), features.temporal, boxes, (96, 160)
        )
        blind(net, slice(None))
        after = net.predict_clip(frames[1:2], clip_sample(1, 9, 1, 3), state)[0]
    assert len(after.instances_id) > 0
    assert set(after.instances_id.tolist()) <= set(first.instances_id.tolist())
    # Eqs. 11-13 written out, with Yolact's variances.
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    centre = centre + 0.1 * deltas[:, :2] * size
    size = size * (0.2 * deltas[:, 2:]).exp()
    moved = torch.cat([centre - size / 2, centre + size / 2], 1)
    torch.testing.assert_close(state.memory['bboxes'], moved, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(state.memory['coefficients'], coefficients + increments)
    assert increments.abs().max() > 0.01
    # The scores decay once a frame.
    scores = dict(zip(first.instances_id.tolist(), first.scores, strict=True))
    for i, score in zip(after.instances_id.tolist(), after.scores, strict=True):
        torch.testing.assert_close(score, scores[i] * 0.95)


def test_without_temporal_fusion_tracks_stay_where_they_were():
    net = copy.deepcopy(model())
    net.test_cfg.temporal_fusion = False
    frames, state = moving_frames(2), net.init_state()
    with torch.no_grad():
        net.predict_clip(frames[:1], clip_sample(1, 9, 0, 2), state)
        boxes = state.memory['bboxes'].clone()
        blind(net, slice(None)).predict_clip(frames[1:], clip_sample(1, 9, 1, 2), state)
    torch.testing.assert_close(state.memory['bboxes'], boxes)


def test_a_lower_threshold_only_adds_pixels():
    usual = predict(model(), [1, 1])
    net = copy.deepcopy(model())
    net.test_cfg.mask_thr = 0.1
    grown = 0
    for before, after in zip(usual, predict(net, [1, 1]), strict=True):
        small, large = (
            dict(
                zip(
                    r.instances_id.tolist(),
                    decode_masks(r.masks, 192, 320),
                    strict=True,
                )
            )
            for r in (before, after)
        )
        # A track without a pixel above one half is not reported at all.
        for number, mask in small.items():
            assert not (mask & ~large[number]).any()
            grown += int((large[number] & ~mask).sum())
    assert grown


def test_frames_of_differing_size():
    net, state = model(), model().init_state()
    small = clip_sample(1, 9, 0, 3)
    large = clip_sample(1, 9, 1, 3, img_shape=(128, 192), ori_shape=(256, 384))
    with torch.no_grad():
        one = net.predict_clip(moving_frames(1), small, state)[0]
        before = state.memory['bboxes'].clone()
        blinded = blind(copy.deepcopy(net), slice(None))
        two = blinded.predict_clip(moving_frames(1, (128, 192)), large, state)[0]
        scale = torch.tensor([192 / 160, 128 / 96] * 2)
        torch.testing.assert_close(state.memory['bboxes'], before * scale)
        three = net.predict_clip(moving_frames(1), clip_sample(1, 9, 2, 3), state)[0]
    assert all(mask['size'] == [256, 384] for mask in two.masks)
    assert set(one.instances_id.tolist()) & set(three.instances_id.tolist())


def test_logits_that_are_not_numbers_detect_nothing():
    net = copy.deepcopy(model())
    for parameter in net.bbox_head.cls_preds.parameters():
        parameter.data.fill_(torch.nan)
    for result in predict(net, [3, 3]):
        assert len(result.instances_id) == 0


@pytest.mark.parametrize('count', [9_999, 10_001])
def test_duplicates_of_other_classes_go_however_many_there_are(count):
    head = model().bbox_head
    generator = torch.Generator().manual_seed(0)
    logits = torch.rand(count, head.num_classes + 1, generator=generator)
    logits[torch.arange(count), torch.arange(count) % head.num_classes] = 5.0
    outputs = STMaskOutputs(
        torch.zeros(count, 4),
        logits,
        torch.rand(count, generator=generator),
        torch.zeros(count, head.num_coefficients),
        torch.zeros(count, 4),
    )
    anchors = torch.tensor([[10.0, 10, 40, 40]]).repeat(count, 1)
    anchors[count // 2 :] += 60
    dets = head.predict(outputs, anchors)
    assert sorted(dets.bboxes[:, 0].tolist()) == [10, 70]


@pytest.mark.parametrize('part', ['prototype_net', 'bbox_head', 'temporal_net'])
def test_a_coefficient_for_each_prototype(part):
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py').model
    key = 'num_prototypes' if part == 'prototype_net' else 'num_coefficients'
    cfg[part][key] = 5
    with pytest.raises(ValueError, match=rf'{part}\.{key}=5.*one number'):
        build(cfg)


def test_original_size_by_hand():
    """A 64x96 frame, scaled to 32x48, padded to 32x64: masks at stride 4."""
    from mmengine.structures import InstanceData

    masks = torch.zeros(4, 8, 16)
    masks[0, 2:4, 2:6] = 1
    masks[1, :, :] = 1
    tracked = InstanceData(
        bboxes=torch.tensor(
            [[8.0, 8, 24, 16], [-8, -8, 60, 40], [50, 0, 60, 8], [-40, -40, -10, -10]],
        ),
        scores=torch.ones(4),
        labels=torch.zeros(4, dtype=torch.long),
        instances_id=torch.arange(4),
        masks=masks,
    )
    meta = dict(img_shape=(32, 48), ori_shape=(64, 96))
    result = to_original_size(tracked, meta, (32, 64))
    # The third lies in the padding, the last beyond: nothing of them is left.
    expected = [[16.0, 16, 48, 32], [0, 0, 96, 64], [96, 0, 96, 16], [0, 0, 0, 0]]
    torch.testing.assert_close(result.bboxes, torch.tensor(expected))
    assert result.masks.shape == (4, 64, 96)
    rows, columns = np.nonzero(result.masks[0].numpy())
    assert (rows.min(), rows.max()) == (16, 31)
    assert (columns.min(), columns.max()) == (16, 47)
    assert result.masks[1].all()


@pytest.mark.parametrize('stride', [2, 4, 8])
@pytest.mark.parametrize('height', [300, 332, 341, 360])
def test_masks_keep_their_scale_whatever_the_padding(stride, height):
    from mmengine.structures import InstanceData

    masks = torch.zeros(1, 384 // stride, 640 // stride)
    edge = 160 // stride
    masks[0, :edge] = 1
    tracked = InstanceData(
        bboxes=torch.tensor([[0.0, 0, 640, 160]]),
        scores=torch.ones(1),
        labels=torch.zeros(1, dtype=torch.long),
        instances_id=torch.arange(1),
        masks=masks,
    )
    meta = dict(img_shape=(height, 640), ori_shape=(2 * height, 1280))
    mask = to_original_size(tracked, meta, (384, 640)).masks[0]
    assert mask.shape == (2 * height, 1280)
    assert mask[:, 7].sum() == 320
    assert mask.any(1).sum() == 320


def test_a_clip_of_wrong_length_is_refused():
    inputs, samples = training_clip(*COUNTS['common'])
    with pytest.raises(ValueError, match='num_ref_imgs=1'):
        model().loss(inputs[:, :1], samples)


def test_unknown_branches_are_refused():
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py')
    cfg.model.bbox_head.calibration = dict(branches=('class',))
    with pytest.raises(ValueError, match=r"'class'.*'coeff'"):
        build(cfg.model)


def test_masks_are_made_as_they_are_trained():
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py').model
    cfg.coefficient_activation = None
    net = build(cfg)
    for part in (net, net.criterion.loss_mask, net.criterion.loss_shift_mask):
        assert part.coefficient_activation is None
    cfg.criterion.loss_shift_mask.coefficient_activation = 'tanh'
    with pytest.raises(TypeError, match=r"multiple values .*'coefficient_activation'"):
        build(cfg)


def test_objects_of_two_videos_are_not_one():
    """The same id in two videos: pushed apart; in one video: pulled together."""
    net = copy.deepcopy(model()).train()
    one, two = training_clip(1, 1, 1, seed=1), training_clip(1, 1, 1, seed=2)
    inputs = torch.cat([one[0], two[0]])
    results = []
    for other in (1, 2):
        for frame in two[1][0]:
            frame.set_metainfo(dict(video_id=other))
        losses = net.loss(inputs, [*one[1], *two[1]])
        results.append(float(losses['loss_embed'].detach()))
    assert abs(results[0] - results[1]) > 1e-3
