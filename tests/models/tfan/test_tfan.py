"""TFAN on random weights: the cascade inside, the video loop, references, gradients."""

import copy
import functools

import pycocotools.mask as mask_util
import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
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

from mmvis.registry import MODELS

TINY = 'tiny/tfan_tiny_synthvis.py'


def config():
    init_default_scope('mmvis')
    cfg = tiny_config(TINY).model
    cfg.detector.test_cfg.rcnn.update(score_thr=0.12, max_per_img=8)
    return cfg


@functools.lru_cache
def model(type_name='TFAN', num_frames=2, **settings):
    """A tiny TFAN whose random weights do give detections."""
    cfg = config()
    cfg.update(type=type_name, **settings)
    cfg.test_cfg.num_frames = num_frames
    torch.manual_seed(0)
    net = MODELS.build(cfg)
    net.init_weights()
    head = net.detector.roi_head
    for box_head, mask_head in zip(head.bbox_head, head.mask_head, strict=True):
        torch.nn.init.normal_(box_head.fc_cls.weight, std=0.3)
        torch.nn.init.normal_(mask_head.conv_logits.weight, std=0.3)
    # Statistics of a few frames, so that activations are neither tiny nor huge.
    with torch.no_grad():
        net.train().extract_feat(moving_frames(4))
    return net.eval()


def detections(net, frames, first=0, state=None) -> list:
    """What the tracker is given of each frame."""
    seen = []
    track = net.tracker.track

    def spy(dets, *args):
        seen.append(dets.clone())
        return track(dets, *args)

    net = copy.copy(net)
    net.__dict__['tracker'] = copy.copy(net.tracker)
    net.tracker.track = spy
    sample = clip_sample(len(frames), 1, first, first + len(frames))
    with torch.no_grad():
        net.predict_clip(frames, sample, state or net.init_state())
    return seen


def assert_same_detections(one, other):
    assert len(one) == len(other) > 0
    torch.testing.assert_close(one.bboxes, other.bboxes, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(one.scores, other.scores, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one.masks, other.masks, atol=1e-3, rtol=1e-3)


def test_the_case_is_worth_comparing():
    results = predict(model(), [FRAMES])
    ids = [set(r.instances_id.tolist()) for r in results]
    assert all(len(i) >= 2 for i in ids)
    assert ids[0] & ids[1]
    assert len({c['counts'] for r in results for c in r.masks}) > FRAMES
    # References do something.
    alone = detections(model(num_frames=0), moving_frames(3))[-1]
    with_others = detections(model(), moving_frames(3))[-1]
    assert len(alone) != len(with_others) or not torch.allclose(
        alone.scores, with_others.scores, atol=1e-3
    )


@pytest.mark.parametrize('sharp', [False, True])
def test_without_references_it_is_mmdets_cascade(sharp):
    """So it is with a frame's own proposals under a sharp temperature."""
    if sharp:
        net = copy.deepcopy(model())
        net.augmentation.initial_temperature = 1e-5
    else:
        net = model(augmentation=None)
    cfg = config()
    theirs = cfg.detector
    theirs.roi_head.type = 'CascadeRoIHead'
    theirs.roi_head.bbox_roi_extractor.type = 'SingleRoIExtractor'
    theirs.roi_head.mask_roi_extractor.type = 'SingleRoIExtractor'
    cascade = MMDET_MODELS.build(theirs).eval()
    cascade.load_state_dict(net.detector.state_dict())
    frames, sample = moving_frames(1), clip_sample(1)
    with torch.no_grad():
        (wanted,) = cascade.predict(frames, [sample[0]], rescale=True)
    wanted = wanted.pred_instances
    (result,) = predict(net, [1], frames=frames)
    assert len(wanted) == len(result.instances_id) > 2
    torch.testing.assert_close(result.bboxes, wanted.bboxes, atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(result.scores, wanted.scores, atol=1e-4, rtol=1e-3)
    assert result.labels.tolist() == wanted.labels.tolist()
    masks = torch.from_numpy(mask_util.decode(result.masks)).permute(2, 0, 1).bool()
    assert (masks != wanted.masks).float().mean() < 1e-4


def test_references_are_those_of_the_last_frames():
    """With K = 2, frame 4 sees 2 and 3, and nothing of what was before."""
    net, frames = model(), moving_frames(5)
    whole = detections(net, frames)
    assert_same_detections(whole[-1], detections(net, frames[2:])[-1])
    nearer = detections(net, frames[3:])[-1]
    assert len(nearer) != len(whole[-1]) or not torch.allclose(
        nearer.scores, whole[-1].scores, atol=1e-4
    )
    # Neither does the order of the frames in between matter.
    swapped = detections(net, frames[[0, 1, 3, 2, 4]])
    assert_same_detections(whole[-1], swapped[-1])


@pytest.mark.parametrize('type_name', ['TFAN', 'OfflineTFAN'])
def test_a_video_of_one_frame(type_name):
    (result,) = predict(model(type_name), [1], frames=moving_frames(1))
    assert len(result.instances_id) > 2
    assert_same(predict(model(num_frames=0), [1], frames=moving_frames(1)), [result])


@pytest.mark.parametrize('type_name', ['TFAN', 'OfflineTFAN'])
@pytest.mark.parametrize('empty', [(0, 1), (2,), (0, 1, 2, 3)])
def test_frames_without_proposals(type_name, empty, monkeypatch):
    net, frames = model(type_name), moving_frames(4)
    propose = net._propose
    # The mean of a frame tells which one it is.
    gone = [net.extract_feat(frames[t : t + 1])[0].mean().item() for t in empty]

    def sometimes(feats, *args):
        found = propose(feats, *args)
        if any(abs(feats[0].mean().item() - mean) < 1e-7 for mean in gone):
            found = [one[:0] for one in found]
        return found

    monkeypatch.setattr(net, '_propose', sometimes)
    counts = [len(r.instances_id) for r in predict(net, [4], frames=frames)]
    assert all((counts[t] == 0) == (t in empty) for t in range(4))


def test_frames_without_detections():
    net = copy.deepcopy(model())
    net.detector.roi_head.test_cfg.score_thr = 1.1
    for result in predict(net, [3, 3]):
        assert len(result.instances_id) == len(result.masks) == len(result.bboxes) == 0
        assert result.instances_id.dtype == torch.int64


def test_masks_are_those_of_the_detections_that_the_tracker_kept():
    net, frames = copy.deepcopy(model()), moving_frames(1)
    (everything,) = predict(net, [1], frames=frames)

    def track(dets, *args):
        kept = dets[1::2]
        kept.instances_id = torch.arange(len(kept))
        return kept

    net.tracker.track = track
    (some,) = predict(net, [1], frames=frames)
    assert len(some.masks) >= 2
    assert some.masks == everything.masks[1::2]
    assert torch.equal(some.bboxes, everything.bboxes[1::2])


def test_offline_does_not_depend_on_the_order_of_frames():
    """With K the length of the video, a frame sees all others, its future too."""
    net, frames = model('OfflineTFAN', num_frames=4), moving_frames(4)
    forward = detections(net, frames)
    backward = detections(net, frames.flip(0))[::-1]
    for one, other in zip(forward, backward, strict=True):
        assert_same_detections(one, other)
    # The last frame of the online model, K = 3, sees the same ones.
    online = detections(model(num_frames=3), frames)
    assert_same_detections(online[-1], forward[-1])


def test_offline_samples_the_whole_video():
    """K = 1: the frame in the middle is the reference of all others."""
    net, frames = model('OfflineTFAN', num_frames=1), moving_frames(5)
    found = detections(net, frames)
    for t in (0, 1, 3, 4):
        online = detections(model(num_frames=1), frames[[2, t]])
        assert_same_detections(found[t], online[1])
    assert_same_detections(found[2], detections(model(), frames[2:3])[0])


def test_offline_computes_features_once_a_frame(monkeypatch):
    net, seen = model('OfflineTFAN', num_frames=3), []
    extract = net.extract_feat

    def counting(frames):
        seen.append(len(frames))
        return extract(frames)

    monkeypatch.setattr(net, 'extract_feat', counting)
    detections(net, moving_frames(5))
    assert sum(seen) == 5


def test_offline_refuses_parts_of_a_video():
    net = copy.deepcopy(model('OfflineTFAN'))
    with pytest.raises(ValueError, match=r'frames 0 to 1 of the 6 .*clip_length'):
        predict(net, [2, 4])


@pytest.mark.parametrize('case', COUNTS)
@pytest.mark.parametrize('augmented', [True, False])
def test_every_parameter_gets_a_finite_gradient(case, augmented):
    settings = {} if augmented else dict(augmentation=None)
    net = copy.deepcopy(model(**settings)).train()
    losses = net.loss(*training_clip(*COUNTS[case]))
    assert {'loss_rpn_cls', 's0.loss_cls', 's2.loss_mask', 'loss_match'} <= set(losses)
    assert without_gradient(net, losses) == []
    assert all(buffer.isfinite().all() for buffer in net.buffers())


def three_frames(seed=0):
    """A clip (1, 3, C, H, W): a key frame between two reference frames."""
    inputs, (pair,) = training_clip(2, 3, 3, seed=seed)
    _, (other,) = training_clip(2, 3, 3, seed=seed + 1)
    pair.video_data_samples = [pair[1], pair[0], other[1]]
    pair.set_metainfo(dict(key_frames_inds=[1], ref_frames_inds=[0, 2]))
    last = moving_frames(1, seed=seed + 1)[None]
    return torch.cat([inputs[:, 1:], inputs[:, :1], last], dim=1), [pair]


def logged(net, inputs, samples):
    torch.manual_seed(0)
    return net.parse_losses(net.loss(inputs, samples))[1]


def test_losses_depend_on_all_frames_of_the_clip():
    net = copy.deepcopy(model()).eval()
    inputs, samples = three_frames()
    inputs.requires_grad_()
    losses = net.loss(inputs, samples)
    losses['s0.loss_cls'].backward()
    assert (inputs.grad.abs().sum((0, 2, 3, 4)) > 0).all()


def test_objects_are_matched_with_those_of_the_first_reference_frame():
    net = copy.deepcopy(model(augmentation=None)).eval()
    inputs, samples = three_frames()
    inputs.requires_grad_()
    net.loss(inputs, samples)['loss_match'].backward()
    used = inputs.grad.abs().sum((0, 2, 3, 4)) > 0
    assert used.tolist() == [True, True, False]


def test_clips_of_a_batch_do_not_see_each_other():
    """Each has the reference set that it has alone."""
    net = copy.deepcopy(model()).eval()
    clips = [three_frames(), three_frames(seed=7)]
    references = []
    made = type(net)._references_in_training

    def spy(*args):
        references.append(made(net, *args))
        return references[-1]

    net.__dict__['_references_in_training'] = spy
    for inputs, samples in clips:
        logged(net, inputs, samples)
    logged(net, torch.cat([c[0] for c in clips]), [c[1][0] for c in clips])
    alone, together = [references[0][0], references[1][0]], references[2]
    for one, other in zip(alone, together, strict=True):
        of_key = ~one.bboxes.isnan().any(1)
        assert of_key.any() and not of_key.all()
        order = [r.embeddings[:, 0].argsort() for r in (one, other)]
        for name in ('embeddings', 'bboxes'):
            torch.testing.assert_close(
                getattr(one, name)[order[0]],
                getattr(other, name)[order[1]],
                equal_nan=True,
                atol=1e-4,
                rtol=1e-4,
            )


def test_the_order_of_frames_changes_nothing():
    net = copy.deepcopy(model()).eval()
    results = []
    for order in ([0, 1, 2], [1, 0, 2]):
        inputs, samples = three_frames()
        samples[0].video_data_samples = [samples[0][i] for i in order]
        places = [order.index(i) for i in range(3)]
        samples[0].set_metainfo(
            dict(key_frames_inds=places[1:2], ref_frames_inds=places[::2])
        )
        results.append(logged(net, inputs[:, order], samples))
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        torch.testing.assert_close(value, results[1][name], atol=1e-4, rtol=1e-3)


def test_the_rpn_learns_on_key_frames_only_and_without_classes():
    net = copy.deepcopy(model()).eval()
    names = ('loss_rpn_cls', 'loss_rpn_bbox')
    inputs, samples = three_frames()
    before = logged(net, inputs, samples)
    samples[0][1].gt_instances.labels = (samples[0][1].gt_instances.labels + 5) % 8
    for t in (0, 2):
        samples[0][t].gt_instances = samples[0][t].gt_instances[:0]
    after = logged(net, inputs, samples)
    for name in names:
        torch.testing.assert_close(before[name], after[name])
        assert before[name] > 0


def test_clips_of_one_frame_are_refused():
    inputs, samples = three_frames()
    with pytest.raises(ValueError, match='num_ref_imgs'):
        model().loss(inputs[:, :1], samples)


def test_state_is_bounded():
    net, sizes = model(), []
    state = net.init_state()
    frames = moving_frames(1)
    with torch.no_grad():
        for t in range(5):
            net.predict_clip(frames, clip_sample(1, 1, t, 10**9), state)
            sizes.append(state.references.num_bytes)
    assert len(set(sizes)) == 1
