"""The network of every model runs from end to end without a word of the host.

So a CUDA graph can hold it, and a GPU never waits.
"""

import pytest
import torch
import video_models
from host_work import HostWork
from model_factory import moving_frames

NETWORKS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'sg_net': video_models.sg_net,
    'sg_net_embedding': lambda: video_models.sg_net('embedding'),
    'tfan': video_models.tfan,
    'instance_flow': video_models.instance_flow,
    'instance_flow_scales': lambda: video_models.instance_flow('scales'),
    'track_by_segmentation': video_models.track_by_segmentation,
}


@pytest.mark.parametrize('name', NETWORKS)
@pytest.mark.parametrize('num_frames', [1, 2])
@torch.no_grad()
def test_nothing_waits_for_the_host(name, num_frames):
    net, frames = NETWORKS[name](), moving_frames(num_frames)
    # What depends on sizes alone (anchors) is made once.
    net.extract_test_feat(frames)
    with HostWork() as work:
        net.extract_test_feat(frames)
    assert not work.waits
    assert work.launches['convolution'] > 10


@pytest.mark.parametrize(
    'wait',
    [
        lambda x: x * x.new_tensor([1.0, 2.0]),
        lambda x: x[x > 0],
        lambda x: (x > 0).nonzero(),
        lambda x: x * float(x.sum()),
        lambda x: x.unique(),
        lambda x: x.long().bincount(),
        lambda x: x.to('meta'),
    ],
)
def test_each_kind_of_waiting_is_seen(wait):
    x = torch.ones(2)
    with HostWork() as work:
        wait(x)
    assert work.waits.total() >= 1
