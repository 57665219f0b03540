"""InstanceFlow on random weights: the video loop, memory, and gradients."""

import copy
import functools
from itertools import chain, pairwise

import pycocotools.mask as mask_util
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import load_checkpoint
from model_factory import (
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

TINY = 'tiny/instance_flow_tiny_synthvis.py'
CASES = {'single': (1.0,), 'scales': (0.5, 0.75, 1.0)}


def build(**overrides):
    init_default_scope('mmvis')
    cfg = tiny_config(TINY).model
    cfg.update(overrides)
    torch.manual_seed(0)
    net = MODELS.build(cfg)
    net.init_weights()
    return net


@functools.lru_cache
def model(case='single'):
    """A tiny InstanceFlow whose random weights give instances and follow them."""
    net = build()
    net.test_cfg.scales = CASES[case]
    net.assembly.threshold, net.assembly.top_k = 0.3, 8
    heads = net.intra_frame_head, net.inter_frame_head
    for predictor, std in (
        *((p, 0.6) for p in net.semantic_head.predictors),
        *((head.offset, 0.3) for head in heads),
        (heads[0].center, 1.0),
    ):
        torch.nn.init.normal_(predictor[1].weight, std=std)
    # Batch statistics of a few frames, so that activations are neither tiny nor huge.
    with torch.no_grad():
        net.train()
        for _ in range(20):
            feats = net.extract_feat(moving_frames(4))
            net.semantic_head(feats), heads[0](feats)
            encoded = heads[1].encode(feats)
            heads[1](encoded, encoded.references)
        net.eval()
        # Two fifths of the frame are background.
        logits = net.semantic_head(net.extract_feat(moving_frames(FRAMES)))
        margin = logits[:, :-1].logsumexp(1) - logits[:, -1]
        net.semantic_head.predictors[-1][1].bias[-1] += margin.quantile(0.4)
    return net


@functools.lru_cache
def whole_video(case='single'):
    """All frames in one chunk."""
    return predict(model(case), [FRAMES])


@pytest.mark.parametrize('case', CASES)
def test_the_case_is_worth_comparing(case):
    results = whole_video(case)
    ids = [set(r.instances_id.tolist()) for r in results]
    assert all(len(i) >= 3 for i in ids)
    assert all(before & after for before, after in pairwise(ids))
    assert len(set(map(frozenset, ids))) > 1
    assert len({m['counts'] for r in results for m in r.masks}) > FRAMES
    areas = [sum(mask_util.area(m) for m in r.masks) for r in results]
    assert all(0.3 < area / (192 * 320) < 0.9 for area in areas)


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('chunks', [[1] * 6, [2, 4]])
def test_chunking_changes_nothing(case, chunks):
    assert_same(whole_video(case), predict(model(case), chunks))


def test_several_frames_at_once_are_predicted_like_one_by_one():
    """What a GPU does with a chunk."""
    net, frames = model('scales'), moving_frames(3)
    with torch.no_grad():
        together = net.extract_test_feat(frames)
        for t in range(3):
            alone = net.extract_test_feat(frames[t : t + 1])
            for name in ('semantic', 'heatmap', 'intra'):
                maps = getattr(together, name)[t : t + 1]
                torch.testing.assert_close(
                    maps, getattr(alone, name), atol=1e-4, rtol=1e-4
                )


def test_a_callers_own_state_gives_the_same():
    net, state, results = model(), model().init_state(), []
    frames = moving_frames(FRAMES)
    for t in range(FRAMES):
        sample = clip_sample(1, 'stream', t, 10**9)
        with torch.no_grad():
            results += net.predict_clip(frames[t : t + 1], sample, state)
    assert_same(whole_video(), results)
    assert len(net.video_states) == 0


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


@pytest.mark.parametrize('case', CASES)
def test_reference_features_come_from_the_memory(case, monkeypatch):
    net, frames = model(case), moving_frames(FRAMES)
    scales = len(CASES[case])
    calls = {'backbone': 0, 'aspp': 0, 'references': []}

    def count(module, name):
        forward = module.forward

        def counted(*args):
            calls[name] += len(args[0])
            return forward(*args)

        monkeypatch.setattr(module, 'forward', counted)

    head = net.inter_frame_head
    count(net.backbone, 'backbone')
    count(head.aspp, 'aspp')
    forward = head.forward

    def inter(target, references):
        calls['references'].append(references)
        return forward(target, references)

    monkeypatch.setattr(head, 'forward', inter)
    predict(net, [FRAMES], frames=frames)
    assert calls['backbone'] == calls['aspp'] == FRAMES * scales
    # First frame and the three before: 1, 2, 3, 4, 4 references.
    batches = [len(maps[0]) for maps in calls['references'][::scales]]
    assert batches == [1, 2, 3, 4, 4]
    with torch.no_grad():
        seen = [net.extract_test_feat(frames[t : t + 1]) for t in (0, 2, 3, 4)]
    for row, feats in enumerate(seen):
        last = calls['references'][-scales:]
        for scale in range(scales):
            for mine, kept in zip(
                feats.inter[scale].references, last[scale], strict=True
            ):
                torch.testing.assert_close(mine[0], kept[row])


def test_memory_does_not_grow():
    net, state, sizes = model(), model().init_state(), []
    frames = moving_frames(10)
    for t in range(10):
        with torch.no_grad():
            net.predict_clip(frames[t : t + 1], clip_sample(1, 3, t, 99), state)
        sizes.append(len(state.memory.references))
    assert sizes == [1, 2, 3] + [4] * 7


def blind(net):
    """The network sees nothing but background."""
    net = copy.deepcopy(net)
    predictor = net.semantic_head.predictors[-1][1]
    predictor.bias.data[-1] = 100.0
    return net


def test_nothing_found_at_first_or_ever():
    for result in predict(blind(model()), [2, 4]):
        assert len(result.instances_id) == len(result.masks) == len(result.bboxes) == 0
        assert result.instances_id.dtype == torch.int64
        assert result.class_scores.shape == (0, 8)
    net, state, frames = model(), model().init_state(), moving_frames(3)
    with torch.no_grad():
        blind(net).predict_clip(frames[:1], clip_sample(1, 9, 0, 3), state)
        after = net.predict_clip(frames[1:], clip_sample(2, 9, 1, 3), state)
    assert after[0].instances_id.tolist() == list(range(len(after[0].instances_id)))
    assert set(after[0].instances_id.tolist()) & set(after[1].instances_id.tolist())


def test_a_video_of_one_frame():
    (result,) = predict(model(), [1], frames=moving_frames(1))
    assert result.instances_id.tolist() == list(range(len(result.instances_id)))
    assert len(result.masks) == len(result.instances_id) > 0


@pytest.mark.parametrize('case', CASES)
def test_frames_of_differing_size(case):
    net = model(case)
    state = net.init_state()
    large = dict(img_shape=(128, 192), ori_shape=(256, 384))
    with torch.no_grad():
        net.predict_clip(moving_frames(1), clip_sample(1, 9, 0, 3), state)
        before = state.memory.frames[0].centers.clone()
        for t in (1, 2):
            frames = moving_frames(1, (128, 192))
            (two,) = net.predict_clip(frames, clip_sample(1, 9, t, 3, **large), state)
    scale = torch.tensor([192 / 160, 128 / 96])
    torch.testing.assert_close(state.memory.frames[0].centers, before * scale)
    assert all(mask['size'] == [256, 384] for mask in two.masks)


COUNTS = {
    'common': (2, 3, 3),
    'none_common': (0, 2, 2),
    'no_second': (0, 2, 0),
    'no_first': (0, 0, 2),
    'empty': (0, 0, 0),
}


@pytest.mark.parametrize('counts', COUNTS)
def test_every_parameter_gets_a_finite_gradient(counts):
    net = build().train()
    losses = net.loss(*training_clip(*COUNTS[counts]))
    assert without_gradient(net, losses) == []
    shared = counts == 'common'
    for name in ('loss_inter', 'loss_shape'):
        assert (float(losses[name].detach()) > 0) == shared


def test_mixed_clips_train_together():
    net = build().train()
    inputs, samples = zip(*(training_clip(*c) for c in COUNTS.values()), strict=True)
    samples = [sample for clip in samples for sample in clip]
    losses = net.loss(torch.cat(inputs), samples)
    assert without_gradient(net, losses) == []


def test_both_frames_of_a_pair_are_targets_and_each_has_its_own_reference():
    """Swapping the frames of one clip, or the clips, changes no loss."""
    net = build().eval()
    (first, one), (second, two) = training_clip(2, 3, 3), training_clip(1, 2, 2, 1)
    two[0][0].set_metainfo(dict(video_id=2))
    two[0][1].set_metainfo(dict(video_id=2))
    swapped = copy.deepcopy(two)
    swapped[0].video_data_samples = swapped[0].video_data_samples[::-1]
    with torch.no_grad():
        losses = net.loss(torch.cat([first, second]), one + two)
        others = net.loss(torch.cat([second.flip(1), first]), swapped + one)
    assert losses['loss_inter'] > 0
    for name in losses:
        torch.testing.assert_close(losses[name], others[name], rtol=1e-4, atol=1e-5)


def test_inter_frame_offsets_see_the_other_frame_of_their_pair(monkeypatch):
    net = build().eval()
    (first, one), (second, two) = training_clip(2, 3, 3), training_clip(1, 2, 2, 1)
    inputs, changed = torch.cat([first, second]), torch.cat([first, second])
    changed[0, 1] += 1.0
    found, forward = [], net.inter_frame_head.forward
    monkeypatch.setattr(
        net.inter_frame_head,
        'forward',
        lambda *args: found.append(forward(*args)) or found[-1],
    )
    with torch.no_grad():
        net.loss(inputs, one + two)
        net.loss(changed, one + two)
    changes = (found[0] - found[1]).abs().amax((1, 2, 3)) > 1e-5
    assert changes.tolist() == [True, True, False, False]


def test_pretraining_without_an_inter_frame_head(tmp_path):
    net = build(inter_frame_head=None)
    inputs, samples = training_clip(1, 2, 1)
    losses = net.train().loss(inputs[:, :1], [samples[0][:1]])
    assert losses.keys() == {'loss_semantic', 'loss_center', 'loss_intra'}
    assert without_gradient(net, losses) == []

    torch.save({'state_dict': net.state_dict()}, tmp_path / 'pretrained.pth')
    full = build()
    fusions = copy.deepcopy(full.inter_frame_head.temporal_fusions.state_dict())
    load_checkpoint(full, str(tmp_path / 'pretrained.pth'), strict=False)
    own = full.inter_frame_head.state_dict()
    copied = {name for name in own if not name.startswith('temporal_fusions')}
    for name in copied:
        assert torch.equal(own[name], net.intra_frame_head.state_dict()[name])
    assert len(copied) > 50
    for name, value in fusions.items():
        assert torch.equal(own[f'temporal_fusions.{name}'], value)
    # A checkpoint with an inter-frame head is left as it is.
    other = build()
    with torch.no_grad():
        other.inter_frame_head.offset[1].bias.fill_(3.0)
    full.load_state_dict(other.state_dict())
    assert full.inter_frame_head.offset[1].bias.tolist() == [3.0, 3.0]


def test_without_an_inter_frame_head_every_instance_is_new():
    net = copy.deepcopy(model())
    net.inter_frame_head = None
    ids = [r.instances_id.tolist() for r in predict(net, [3], frames=moving_frames(3))]
    assert list(chain(*ids)) == list(range(sum(map(len, ids)))) != []


@pytest.mark.parametrize('frames', [1, 3])
def test_clips_of_a_wrong_length(frames):
    inputs, samples = training_clip(1, 1, 1)
    inputs = inputs[:, [0, 1, 1][:frames]]
    with pytest.raises(ValueError, match=rf'clips of 2 .* have {frames}'):
        build().loss(inputs, samples)
