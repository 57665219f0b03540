"""What losses make a GPU launch, and how often the host waits for it.

Counted on a pretended device from the feature maps on: two clips of two frames, with
six to eight objects in each.
"""

import copy

import numpy as np
import pretended_device
import pytest
import torch
import video_models
from host_work import HostWork
from model_factory import training_clip
from pretended_device import DEVICE, move

# Most launches and reads of a clip. Of those that are left mmdet's assigners, samplers
# and losses are most: of MaskTrack R-CNN 58, of InstanceFlow all.
LIMITS = {
    'stmask': (220, 2),
    'sg_net': (450, 4),
    'instance_flow': (265, 1),
    'masktrack_rcnn': (705, 60),
    'tfan': (1475, 84),
}


@pytest.mark.parametrize('name', LIMITS)
def test_losses(name, monkeypatch):
    net, work = copy.deepcopy(getattr(video_models, name)()), HostWork(False)
    net.train()
    extract = net.extract_feat

    def network(frames):
        pretended_device.WATCHERS.clear()
        feats = extract(frames)
        pretended_device.WATCHERS.append(work.see)
        return feats

    clips = training_clip(5, 8, 8), training_clip(4, 6, 7, seed=1)
    with monkeypatch.context() as patch:
        work.count_mmcv(patch)
        with pretended_device.pretended_device(patch):
            move(net)
            net.extract_feat = network
            inputs = torch.cat([inputs for inputs, _ in clips]).to(DEVICE)
            samples = [sample.to(DEVICE) for _, (sample,) in clips]
            torch.manual_seed(0)
            np.random.seed(0)
            net.loss(inputs, samples)
            pretended_device.WATCHERS.clear()
    launches, reads = LIMITS[name]
    assert work.launches.total() / len(clips) <= launches, work.launches
    assert work.waits.total() / len(clips) <= reads, work.waits
