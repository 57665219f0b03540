"""Clips of three frames, and what TFAN's tracker is given of the frames of a clip."""

import copy

import torch
from model_factory import clip_sample, moving_frames, training_clip


def three_frames(seed=0):
    """A clip (1, 3, C, H, W): a key frame between two reference frames."""
    inputs, (pair,) = training_clip(2, 3, 3, seed=seed)
    _, (other,) = training_clip(2, 3, 3, seed=seed + 1)
    pair.video_data_samples = [pair[1], pair[0], other[1]]
    pair.set_metainfo(dict(key_frames_inds=[1], ref_frames_inds=[0, 2]))
    last = moving_frames(1, seed=seed + 1)[None]
    return torch.cat([inputs[:, 1:], inputs[:, :1], last], dim=1), [pair]


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
