"""InstanceFlow on random weights: the video loop and its memory."""

import copy
from itertools import chain

import pytest
import torch
from model_factory import FRAMES, clip_sample, moving_frames, predict
from video_models import INSTANCE_FLOWS as CASES
from video_models import instance_flow as model


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
