"""OfflineTFAN: references from the whole video, its future included."""

import copy

import pytest
from model_factory import moving_frames, predict
from tfan_clips import assert_same_detections, detections
from video_models import tfan as model


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
