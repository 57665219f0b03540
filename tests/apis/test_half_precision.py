"""Weights in half precision once give what casting them at each call gives."""

import copy

import pytest
import torch
import video_models
from host_work import HostWork
from model_factory import moving_frames, predict

from mmvis.apis.faster_network import use_half_precision
from mmvis.structures.nested_tensors import map_tensors

MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'sg_net': video_models.sg_net,
    'tfan': video_models.tfan,
    'instance_flow': video_models.instance_flow,
    'track_by_segmentation': video_models.track_by_segmentation,
}


# A call's casts that there are no more, at least.
CASTS_LESS = 20


def flat(nested):
    tensors = []
    map_tensors(lambda tensor: tensors.append(tensor) or tensor, nested)
    return tensors


@torch.no_grad()
@pytest.mark.parametrize('name', MODELS)
def test_fewer_casts_and_the_same_features(name):
    net = copy.deepcopy(MODELS[name]())
    frames = moving_frames(2)
    full = flat(net.extract_test_feat(frames))
    with torch.autocast('cpu', torch.bfloat16), HostWork() as casting:
        expected = flat(net.extract_test_feat(frames))
    use_half_precision(net)
    net.extract_test_feat(frames)
    with HostWork() as work:
        found = flat(net.extract_test_feat(frames))
    for half, cast, whole in zip(found, expected, full, strict=True):
        assert torch.equal(half, cast.to(half.dtype))
        assert half.dtype == whole.dtype
        if half.is_floating_point():
            # bfloat16 has eight bits; a few dozen layers lose some of them.
            error = (half - whole).norm() / whole.norm().clamp(min=1e-6)
            assert error < 0.15
    # What is left: the input, heads, what goes out in float32.
    casts, before = work.launches['_to_copy'], casting.launches['_to_copy']
    assert casts <= before - CASTS_LESS
    # What follows the network gets along with these weights.
    assert len(predict(net, [2], frames=frames)) == 2
