"""A chunk that goes through a model at once gives what its frames give one by one.

So it goes on a GPU; here the CPU is told to do the same.
"""

import copy

import pytest
import torch
import video_models
from card_path import take_card_path
from model_factory import FRAMES, assert_same, predict

MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'sg_net': video_models.sg_net,
    'sg_net_embedding': lambda: video_models.sg_net('embedding'),
    'instance_flow': video_models.instance_flow,
    'track_by_segmentation': video_models.track_by_segmentation,
}


@pytest.fixture
def whole_chunks(monkeypatch):
    """Returns a copy of a model whose chunks go through at once."""

    def change(net):
        net = copy.deepcopy(net)
        net.frames_at_once = len
        take_card_path(monkeypatch)
        return net

    return change


@torch.no_grad()
@pytest.mark.parametrize('name', MODELS)
def test_frames_at_once(name, whole_chunks):
    net = MODELS[name]()
    one_by_one = predict(net, [FRAMES])
    net = whole_chunks(net)
    assert sum(map(len, one_by_one)) > FRAMES
    assert_same(one_by_one, predict(net, [FRAMES], video_id=2))
    assert_same(one_by_one, predict(net, [1, 3, 2], video_id=3))
