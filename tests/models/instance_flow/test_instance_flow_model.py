"""InstanceFlow on random weights: the video loop and its memory."""

import copy
import functools
from itertools import chain, pairwise

import pycocotools.mask as mask_util
import pytest
import torch
from mmengine.registry import init_default_scope
from model_factory import (
    FRAMES,
    assert_same,
    clip_sample,
    moving_frames,
    predict,
    tiny_config,
)

from mmvis.registry import MODELS

TINY = 'tiny/instance_flow_tiny_synthvis.py'
CASES = {'single': (1.0,), 'scales': (0.5, 0.75, 1.0)}


@functools.lru_cache
def model(case='single'):
    """A tiny InstanceFlow whose random weights give instances and follow them."""
    init_default_scope('mmvis')
    torch.manual_seed(0)
    net = MODELS.build(tiny_config(TINY).model)
    net.init_weights()
    net.test_cfg.scales = CASES[case]
    net.assembly.threshold, net.assembly.top_k = 0.3, 8
    net.tracker.epsilon = 32.0  # so that some are new
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


def test_the_memory_does_not_hold_a_chunk(monkeypatch):
    """A part of a chunk's maps would keep all of them on a GPU."""
    net, state = model(), model().init_state()
    monkeypatch.setattr(net, 'frames_at_once', len)
    with torch.no_grad():
        net.predict_clip(moving_frames(3), clip_sample(3, 3, 0, 99), state)
    for frame in state.memory.references:
        for maps in chain(*frame.features):
            assert maps.untyped_storage().nbytes() == maps.numel() * 4


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
    for kept in state.memory.frames:
        of_last_scale = [maps.shape[-2:] for maps in kept.features[-1]]
        assert of_last_scale == [(8, 12), (16, 24)]
    assert all(mask['size'] == [256, 384] for mask in two.masks)


def test_without_an_inter_frame_head_every_instance_is_new():
    net = copy.deepcopy(model())
    net.inter_frame_head = None
    ids = [r.instances_id.tolist() for r in predict(net, [3], frames=moving_frames(3))]
    assert list(chain(*ids)) == list(range(sum(map(len, ids)))) != []
