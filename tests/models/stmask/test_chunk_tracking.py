"""Tracks that are carried on before association end as those carried after it."""

import copy
import itertools
from functools import cache
from unittest import mock

import pytest
import torch
from model_factory import assert_same, clip_sample, moving_frames
from pretended_device import DEVICE, move, pretended_device
from video_models import stmask

from mmvis.models.stmask import chunk_tracking
from mmvis.models.stmask.chunk_tracking import frames_that_fit
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.models.trackers.track_memory import TrackMemory

LENGTH = 8
# Where nothing is detected: tracks go on by themselves, two frames in a row.
BLIND = {2, 3, 6}


def made(temporal_fusion):
    """A model that detects nothing in the blind frames, however they come."""
    net = copy.deepcopy(stmask())
    net.test_cfg.temporal_fusion = temporal_fusion
    net.tracker.num_frames_retain = 2
    forward = net.bbox_head.forward

    def patched(feats, **kwargs):
        outputs, shared = forward(feats, postpone=False)
        logits = outputs.logits.clone()
        for row in range(len(logits)):
            if (net.seen + row) % LENGTH in BLIND:
                logits[row, :, -1] = 50.0
        net.seen += len(logits)
        return outputs._replace(logits=logits), shared

    net.bbox_head.forward = patched
    return net


@torch.no_grad()
def in_chunks(net, chunks, at_once):
    """What is found, and the memory afterwards."""
    net.seen, frames, results, first = 0, moving_frames(LENGTH), [], 0
    net.frames_at_once = len if at_once else (lambda frames: 1)
    state = net.init_state()
    for size in chunks:
        sample = clip_sample(size, 1, first, LENGTH)
        results += net.predict_clip(frames[first : first + size], sample, state)
        first += size
    return results, state.memory


@cache
def one_by_one(temporal_fusion):
    return in_chunks(made(temporal_fusion), [LENGTH], at_once=False)


@pytest.mark.parametrize('temporal_fusion', [True, False])
@pytest.mark.parametrize(
    ('chunks', 'most'), [([8], 256), ([8], 60), ([3, 1, 4], 256), ([2, 6], 1)]
)
def test_chunks_change_nothing(monkeypatch, temporal_fusion, chunks, most):
    monkeypatch.setattr(chunk_tracking, 'STATES_AT_ONCE', most)
    wanted, before = one_by_one(temporal_fusion)
    found, after = in_chunks(made(temporal_fusion), chunks, at_once=True)
    blind = [result for t, result in enumerate(wanted) if t in BLIND]
    assert sum(map(len, wanted)) - sum(map(len, blind)) > 3 * LENGTH
    assert sum(map(len, blind)) > 3
    assert_same(wanted, found)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.last_seen.tolist() == before.last_seen.tolist()
    assert after.next_id == before.next_id
    assert set(after.fields) == set(before.fields)
    for name, values in before.fields.items():
        torch.testing.assert_close(after[name], values, atol=1e-3, rtol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize('temporal_fusion', [True, False])
def test_single_frames_chunks_and_sizes_in_turns_on_a_device(
    monkeypatch, temporal_fusion
):
    """What a frame alone leaves behind is on the device, what a chunk does is not."""
    net = copy.deepcopy(stmask())
    net.test_cfg.temporal_fusion = temporal_fusion
    clip, sample = moving_frames(LENGTH), clip_sample(LENGTH)
    for frame, image in list(zip(sample, clip, strict=True))[3:6]:
        # A chunk of four changes its size in the middle, and so does the one after it.
        image[:, 80:] = 0
        frame.set_metainfo(dict(img_shape=(80, 160), ori_shape=(160, 320)))
    one_by_one = net.predict_clip(clip, copy.deepcopy(sample), net.init_state())
    net.frames_at_once = len
    found, state = [], net.init_state()
    with pretended_device(monkeypatch):
        move(net)
        for first, stop in ((0, 1), (1, 5), (5, 6), (6, 8)):
            frames = clip[first:stop].to(DEVICE)
            found += net.predict_clip(frames, sample[first:stop], state)
    assert sum(map(len, one_by_one)) > 3 * LENGTH
    assert_same(one_by_one, found)


def failing(function, call):
    """A function that fails at one of its calls, counted from 1."""
    calls = itertools.count(1)

    def maybe(*args, **kwargs):
        if next(calls) == call:
            raise RuntimeError('the memory is full')
        return function(*args, **kwargs)

    return maybe


@torch.no_grad()
@pytest.mark.parametrize(
    ('owner', 'name', 'call'),
    [
        (
            EmbeddingMaskIoUTracker,
            'track',
            3,
        ),  # of six frames, the first two of which are blind
        (EmbeddingMaskIoUTracker, 'propagate', 2),
        (TrackMemory, 'exchange', 2),  # when all of them are tracked
    ],
)
def test_an_error_midway_leaves_the_tracks_as_they_were(owner, name, call):
    """The chunk that failed is given again, while another video goes on."""
    net, frames = made(temporal_fusion=True), moving_frames(LENGTH)
    wanted, before = in_chunks(net, [2, 6], at_once=True)
    states = net.init_state(), net.init_state()

    def predict(state, first, stop):
        net.seen, sample = first, clip_sample(stop - first, 1, first, LENGTH)
        return net.predict_clip(frames[first:stop], sample, state)

    for state in states:
        predict(state, 0, 2)
    broken = failing(getattr(owner, name), call)
    with mock.patch.object(owner, name, broken), pytest.raises(RuntimeError):
        predict(states[0], 2, LENGTH)
    for state in reversed(states):
        assert_same(wanted[2:], predict(state, 2, LENGTH))
        assert state.memory.ids.tolist() == before.ids.tolist()
        assert state.memory.next_id == before.next_id
        for field, values in before.fields.items():
            assert torch.equal(state.memory[field], values)


def test_as_many_frames_as_have_few_states():
    # 22, 32, 42, 52, 62 and then 72 states, each of two frames of ten detections.
    assert frames_that_fit([10] * 8, 12) == 5
    assert frames_that_fit([10, 0, 0], 0) == 3
    assert frames_that_fit([300, 1], 0) == 1
    assert frames_that_fit([1, 1], 300) == 1
