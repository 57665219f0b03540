"""SG-Net on random weights: the video loop, trackers, and gradients."""

import copy
import functools
import json
from unittest import mock

import pytest
import torch
from mmengine.registry import init_default_scope
from model_factory import (
    COUNTS,
    FRAMES,
    assert_same,
    clip_sample,
    moving_frames,
    predict,
    tiny_config,
    training_clip,
    without_gradient,
)

from mmvis.models.sg_net.sub_regions import divide_boxes
from mmvis.registry import MODELS

TINY = 'tiny/sg_net_tiny_synthvis.py'
EMBEDDING_TRACKER = dict(
    type='EmbeddingMaskIoUTracker', epsilon=0.3, num_frames_retain=20
)


@functools.lru_cache
def model(tracker=None, **head):
    """A tiny SG-Net whose random weights do give detections and follow them."""
    init_default_scope('mmvis')
    cfg = tiny_config(TINY).model
    cfg.bbox_head.test_cfg.update(score_thr=0.2, max_per_img=8)
    cfg.bbox_head.update(head)
    if tracker == 'embedding':
        cfg.tracker = EMBEDDING_TRACKER
    torch.manual_seed(0)
    net = MODELS.build(cfg)
    net.init_weights()
    made = net.bbox_head
    for name in ('conv_cls', 'conv_centerness', 'conv_attention'):
        torch.nn.init.normal_(getattr(made, name).weight, std=0.2)
    # Boxes of some 40 px, which move by less.
    torch.nn.init.constant_(made.conv_reg.bias, 3.0)
    torch.nn.init.normal_(made.conv_movement.weight, std=0.03)
    # Batch statistics of a few frames, so that activations are neither tiny nor huge.
    with torch.no_grad():
        net.train().extract_feat(moving_frames(4))
    return net.eval()


CASES = {
    'default': {},
    'current': dict(previous_features=False),
    'embedding': dict(tracker='embedding', embed_channels=16),
}


@pytest.mark.parametrize('case', CASES)
def test_the_case_is_worth_comparing(case):
    results = predict(model(**CASES[case]), [FRAMES])
    ids = [set(r.instances_id.tolist()) for r in results]
    assert all(len(i) >= 3 for i in ids)
    assert ids[0] & ids[1]
    assert len(set(map(frozenset, ids))) > 1
    assert len({m['counts'] for r in results for m in r.masks}) > FRAMES


def test_two_videos_in_turns():
    net, videos = model(), [moving_frames(3, seed=s) for s in (0, 1)]
    states = [net.init_state() for _ in videos]
    results = [[], []]
    for t in range(3):
        for v, frames in enumerate(videos):
            sample = clip_sample(1, v, t, 3)
            with torch.no_grad():
                results[v] += net.predict_clip(frames[t : t + 1], sample, states[v])
    for v, frames in enumerate(videos):
        assert_same(predict(net, [3], frames=frames), results[v])


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
        expected = net.bbox_head.predict(pyramid, None, (96, 160))
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


def blind(net):
    """The network detects nothing."""
    net = copy.deepcopy(net)
    net.bbox_head.conv_cls.weight.data.zero_()
    net.bbox_head.conv_cls.bias.data.fill_(-50.0)
    return net


def test_nothing_detected_at_first_or_ever():
    for result in predict(blind(model()), [2, 4]):
        assert len(result.instances_id) == len(result.masks) == len(result.bboxes) == 0
        assert result.instances_id.dtype == torch.int64
    # Detections that begin later.
    net, state, frames = model(), model().init_state(), moving_frames(3)
    with torch.no_grad():
        blind(net).predict_clip(frames[:1], clip_sample(1, 9, 0, 3), state)
        after = net.predict_clip(frames[1:], clip_sample(2, 9, 1, 3), state)
    assert after[0].instances_id.tolist() == list(range(len(after[0].instances_id)))


def test_a_video_of_one_frame():
    (result,) = predict(model(), [1], frames=moving_frames(1))
    assert result.instances_id.tolist() == list(range(len(result.instances_id)))
    assert len(result.masks) == len(result.instances_id) > 0


@pytest.mark.parametrize('case', CASES)
def test_frames_of_differing_size(case):
    net = model(**CASES[case])
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


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('counts', COUNTS)
def test_every_parameter_gets_a_finite_gradient(case, counts):
    net = copy.deepcopy(model(**CASES[case])).train()
    losses = net.loss(*training_clip(*COUNTS[counts]))
    assert without_gradient(net, losses) == []
    assert (float(losses['loss_movement'].detach()) > 0) == (counts == 'common')
    assert ('loss_embed' in losses) == (case == 'embedding')


def test_mixed_clips_train_together():
    net = copy.deepcopy(model()).train()
    inputs, samples = zip(*(training_clip(*c) for c in COUNTS.values()), strict=True)
    samples = [sample for clip in samples for sample in clip]
    losses = net.loss(torch.cat(inputs), samples)
    assert without_gradient(net, losses) == []


def test_clips_of_one_frame_train_detector_and_masks():
    net = copy.deepcopy(model()).train()
    inputs, samples = training_clip(*COUNTS['common'])
    losses = net.loss(inputs[:, :1], [samples[0][:1]])
    assert float(losses['loss_movement'].detach()) == 0
    assert without_gradient(net, losses) == []


def test_a_tracker_by_embeddings_needs_embeddings():
    cfg = tiny_config(TINY).model
    cfg.tracker = EMBEDDING_TRACKER
    with pytest.raises(ValueError, match=r'embed_channels'):
        MODELS.build(cfg)


def test_the_tiny_model_sees_several_divisions(tmp_path):
    """Boxes of generated videos at the size that the tiny config trains on."""
    from mmvis.datasets.synth_vis.writer import write_split

    cfg = tiny_config(TINY)
    path = write_split(tmp_path, 'train', 6, workers=1, progress=False)
    videos = json.loads(path.read_text())
    scale = cfg.image_scale[0] / videos['videos'][0]['width']
    boxes = [b for a in videos['annotations'] for b in a['bboxes'] if b]
    sizes = torch.tensor(boxes)[:, 2:] * scale
    boxes = torch.cat([torch.zeros_like(sizes), sizes], 1)
    blender = cfg.model.blender
    grids = divide_boxes(boxes, blender.max_division, blender.region_size)
    counts = grids.prod(1).bincount()
    assert (counts > 0).sum() >= 6
    assert counts[1] < 0.3 * len(boxes)
    assert counts[4:].sum() > 0.3 * len(boxes)
