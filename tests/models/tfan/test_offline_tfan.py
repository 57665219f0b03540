"""OfflineTFAN: references from the whole video, its future included."""

import copy

import pytest
import torch
from model_factory import assert_same, moving_frames, predict
from tfan_clips import assert_same_detections, detections
from video_models import tfan as model

from mmvis.models.tfan import chunk_detection


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


@torch.no_grad()
@pytest.mark.parametrize('augmentation', ['sum', 'centred', None])
def test_frames_at_once(monkeypatch, augmentation):
    """As one by one; of seven frames three are sampled."""
    settings = dict(num_frames=3)
    if augmentation is None:
        settings['augmentation'] = None
    net, frames = copy.deepcopy(model('OfflineTFAN', **settings)), moving_frames(7)
    if augmentation == 'centred':
        net.augmentation.centred = True
    one_by_one = predict(net, [7], frames=frames)
    assert sum(map(len, one_by_one)) > 7
    seen, extract = [], net.extract_feat
    monkeypatch.setattr(
        net, 'extract_feat', lambda x: seen.append(len(x)) or extract(x)
    )
    net.frames_at_once = len
    for most in (2, 5, 8):
        monkeypatch.setattr(chunk_detection, 'FRAMES_AT_ONCE', most)
        seen.clear()
        found = predict(net, [7], video_id=most, frames=frames)
        assert_same(one_by_one, found)
        # Three of them are sampled, or none.
        assert sum(seen) == 7 and (most < 8 or max(seen) in (4, 7)), most


def test_offline_refuses_parts_of_a_video():
    net = copy.deepcopy(model('OfflineTFAN'))
    with pytest.raises(ValueError, match=r'frames 0 to 1 of the 6 .*clip_length'):
        predict(net, [2, 4])
