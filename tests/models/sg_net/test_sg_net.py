"""SG-Net on random weights: the video loop, trackers, and gradients."""

import copy
from contextlib import ExitStack
from unittest import mock

import pytest
import torch
from mmdet.models.dense_heads import FCOSHead
from model_configs import build
from model_factory import (
    COUNTS,
    clip_sample,
    moving_frames,
    predict,
    tiny_config,
    training_clip,
    without_gradient,
)
from video_models import EMBEDDING_TRACKER
from video_models import sg_net as model

from mmvis.datasets.synth_vis import VERSION
from mmvis.datasets.synth_vis.video import render_scene
from mmvis.models.sg_net.granularity_mask_loss import GranularityMaskLoss
from mmvis.models.sg_net.sub_regions import divide_boxes


def test_another_frame_before_gives_other_movements():
    net, seen = model(), []
    frames = moving_frames(2), moving_frames(2, seed=5)
    track = net.tracker.track

    def record(dets, *args):
        seen.append(dets.movements.clone())
        return track(dets, *args)

    with mock.patch.object(net.tracker, 'track', record):
        for first in (frames[0][:1], frames[1][:1], frames[0][:1] * torch.nan):
            predict(net, [2], frames=torch.cat([first, frames[0][1:]]))
    own, other, unknown = seen[1], seen[3], seen[5]
    assert len(own) > 0
    assert not torch.allclose(own, other)
    # A frame that is no number counts as none.
    assert unknown.isfinite().all()


def test_one_frame_that_is_no_number_does_not_end_the_tracks():
    frames = moving_frames(3)
    frames[1, :, 40, 60] = torch.nan
    first, second, third = predict(model(), [3], frames=frames)
    assert len(second.instances_id) == 0
    assert set(first.instances_id.tolist()) & set(third.instances_id.tolist())


def test_masks_are_blended_from_the_detections_scores():
    net, frames, seen = model(), moving_frames(1), []
    track = net.tracker.track

    def record(dets, *args):
        seen.append(dets)
        return track(dets, *args)

    with torch.no_grad(), mock.patch.object(net.tracker, 'track', record):
        predict(net, [1], frames=frames)
        levels = net.extract_feat(frames)
        base_masks = net.base_mask_module(levels)[0]
        pyramid = net.bbox_head.flatten(net.bbox_head(levels))
        expected, _, _ = net.bbox_head.predict(pyramid, None, (96, 160))
        masks = net.blender(base_masks, expected.attention, expected.bboxes, (96, 160))
    torch.testing.assert_close(seen[0].masks, masks)
    torch.testing.assert_close(seen[0].bboxes, expected.bboxes)
    assert len(masks) > 3


def test_the_mask_loss_is_of_each_positive_and_its_object():
    net = copy.deepcopy(model())
    net.loss_mask.max_samples = None
    # Probabilities that are not rounded to one.
    net.base_mask_module.project.weight.data.mul_(0.05)
    inputs, samples = training_clip(2, 3, 3)
    for frame, height in zip(samples[0], (96, 80), strict=True):
        frame.set_metainfo(dict(img_shape=(height, 160)))
    annotations = [frame.gt_instances for frame in samples[0]]
    with torch.no_grad():
        loss = net.loss(inputs, samples)['loss_mask']
        feats = net.extract_feat(inputs[0])
        levels = net.bbox_head(feats)
        base_masks = net.base_mask_module(feats)
        attention = [net.bbox_head.conv_attention(level) for level in levels.attention]
        attention = torch.cat([level.flatten(2) for level in attention], 2)
        pyramid = net.bbox_head.flatten(levels)
        objects = net.bbox_head.targets(levels, annotations).gt
    costs, first = [], 0
    for t, gts in enumerate(annotations):
        height = samples[0][t].img_shape[0]
        for n, number in enumerate(objects[t].tolist()):
            if number < 0:
                continue
            x, y = pyramid.points[t, n].tolist()
            left, top, right, bottom = pyramid.distances[t, n].tolist()
            box = [max(x - left, 0), max(y - top, 0)]
            box += [min(x + right, 160), min(y + bottom, height)]
            mask = torch.tensor(gts.masks.masks[number - first])[None, None].float()
            shape = base_masks.shape[-2:]
            target = torch.nn.functional.interpolate(mask, shape, mode='area')[0, 0]
            soft = net.blender(
                base_masks[t].double(),
                attention[t, :, n][None],
                torch.tensor([box]),
                (96, 160),
            )[0]
            inside = soft > 0
            if inside.any():
                cost = torch.nn.functional.binary_cross_entropy(
                    soft[inside], (target[inside] > 0.5).double()
                )
                costs.append(cost)
        first += len(gts)
    assert len(costs) > 10
    expected = torch.stack(costs).mean().float()
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)


def test_a_training_step_assigns_and_draws_once():
    """What a location has for a target is the same for all losses."""
    net = copy.deepcopy(model('embedding')).train()
    clips = [training_clip(*COUNTS['common'], seed=seed) for seed in (0, 1)]
    inputs = torch.cat([clip for clip, _ in clips])
    with ExitStack() as stack:
        assign, draw = (
            stack.enter_context(
                mock.patch.object(owner, name, autospec=True, side_effect=method)
            )
            for owner, name, method in (
                (FCOSHead, 'get_targets', FCOSHead.get_targets),
                (GranularityMaskLoss, 'sample', GranularityMaskLoss.sample),
            )
        )
        losses = net.loss(inputs, [sample for _, (sample,) in clips])
    assert {'loss_bbox', 'loss_mask', 'loss_movement', 'loss_embed'} <= losses.keys()
    assert (assign.call_count, draw.call_count) == (1, 1)


def blind(net):
    """The network detects nothing."""
    net = copy.deepcopy(net)
    net.bbox_head.conv_cls.weight.data.zero_()
    net.bbox_head.conv_cls.bias.data.fill_(-50.0)
    return net


@pytest.mark.parametrize('case', ['default', 'embedding'])
def test_frames_of_differing_size(case):
    net = model(case)
    state = net.init_state()
    large = clip_sample(1, 9, 1, 3, img_shape=(128, 192), ori_shape=(256, 384))
    with torch.no_grad():
        net.predict_clip(moving_frames(1), clip_sample(1, 9, 0, 3), state)
        before = state.memory['bboxes' if case == 'embedding' else 'centers'].clone()
        blinded = blind(net)
        blinded.predict_clip(moving_frames(1, (128, 192)), large, state)
        scale = torch.tensor([192 / 160, 128 / 96] * 2)[: before.shape[1]]
        name = 'bboxes' if case == 'embedding' else 'centers'
        torch.testing.assert_close(state.memory[name], before * scale)
        two = net.predict_clip(
            moving_frames(1, (128, 192)),
            clip_sample(1, 9, 2, 3, img_shape=(128, 192), ori_shape=(256, 384)),
            state,
        )[0]
    assert len(two.masks) > 0
    assert all(mask['size'] == [256, 384] for mask in two.masks)


def test_clips_of_one_frame_train_detector_and_masks():
    net = copy.deepcopy(model()).train()
    inputs, samples = training_clip(*COUNTS['common'])
    losses = net.loss(inputs[:, :1], [samples[0][:1]])
    assert float(losses['loss_movement'].detach()) == 0
    assert without_gradient(net, losses) == []


def test_a_tracker_by_embeddings_needs_embeddings():
    cfg = tiny_config('tiny/sg_net_tiny_synthvis.py').model
    cfg.tracker = EMBEDDING_TRACKER
    with pytest.raises(ValueError, match=r'embed_channels'):
        build(cfg)


def test_the_tiny_model_sees_several_divisions():
    """Boxes of generated videos at the size that the tiny config trains on."""
    cfg = tiny_config('tiny/sg_net_tiny_synthvis.py')
    seen = [render_scene(VERSION, 'train', 0, index)[2] for index in range(4)]
    scale = cfg.image_scale[0] / seen[0].width
    sizes = torch.cat([torch.from_numpy(m.boxes[m.visible][:, 2:]) for m in seen])
    sizes = sizes * scale
    boxes = torch.cat([torch.zeros_like(sizes), sizes], 1)
    blender = cfg.model.blender
    grids = divide_boxes(boxes, blender.max_division, blender.region_size)
    counts = grids.prod(1).bincount()
    assert (counts > 0).sum() >= 6
    assert counts[1] < 0.3 * len(boxes)
    assert counts[4:].sum() > 0.3 * len(boxes)
