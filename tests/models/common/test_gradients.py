"""Every model trains on every kind of clip: each parameter has a finite gradient.

Distributed training waits for a gradient that does not come.
"""

import copy
from functools import partial

import pytest
import torch
import video_models
from model_factory import COUNTS, training_clip, without_gradient

# Losses of a model that are of objects in both frames alone.
MODELS = {
    'masktrack_rcnn': (video_models.masktrack_rcnn, ()),
    'stmask': (video_models.stmask, ('loss_shift_bbox',)),
    'sg_net': (video_models.sg_net, ('loss_movement',)),
    'tfan': (video_models.tfan, ()),
    'instance_flow': (video_models.instance_flow, ('loss_inter', 'loss_shape')),
    'track_by_segmentation': (video_models.track_by_segmentation, ()),
}
# Other networks and other losses of them.
VARIANTS = {
    'sg_net_current': partial(video_models.sg_net, 'current'),
    'sg_net_embedding': partial(video_models.sg_net, 'embedding'),
    'tfan_cascade': partial(video_models.tfan, augmentation=None),
    'tfan_fc': video_models.tfan_fc,
    # Some of mmdet's heads leave parameters without a graph.
    'track_by_condinst': partial(video_models.track_by_segmentation, 'condinst'),
}


@pytest.mark.parametrize('counts', COUNTS)
@pytest.mark.parametrize('name', MODELS)
def test_every_parameter_gets_a_finite_gradient(name, counts):
    make, of_pairs = MODELS[name]
    net = copy.deepcopy(make()).train()
    losses = net.loss(*training_clip(*COUNTS[counts]))
    assert without_gradient(net, losses) == []
    assert all(buffer.isfinite().all() for buffer in net.buffers())
    for loss in of_pairs:
        assert (float(losses[loss].detach()) > 0) == (counts == 'common')


@pytest.mark.parametrize('counts', ['common', 'empty'])
@pytest.mark.parametrize('name', VARIANTS)
def test_variants_too(name, counts):
    net = copy.deepcopy(VARIANTS[name]()).train()
    losses = net.loss(*training_clip(*COUNTS[counts]))
    assert without_gradient(net, losses) == []


# Whose losses join objects of all clips.
@pytest.mark.parametrize('name', ['stmask', 'sg_net', 'instance_flow'])
def test_mixed_clips_train_together(name):
    net = copy.deepcopy(MODELS[name][0]()).train()
    inputs, samples = zip(*(training_clip(*c) for c in COUNTS.values()), strict=True)
    samples = [sample for clip in samples for sample in clip]
    losses = net.loss(torch.cat(inputs), samples)
    assert without_gradient(net, losses) == []
