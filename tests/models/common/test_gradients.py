"""Every model trains on every kind of clip: each parameter has a finite gradient.

Distributed training waits for a gradient that does not come.
"""

import copy
from functools import partial

import pytest
import torch
import video_models
from mmdet.models.losses import focal_loss
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
FOCAL = ('sg_net', 'track_by_condinst')


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


@pytest.mark.parametrize('name', [*MODELS, 'tfan_fc', 'track_by_condinst'])
def test_training_takes_bfloat16(name, monkeypatch):
    """RoIAlign and NMS have no kernels for it, and on a card focal loss has none."""
    seen = []
    loss_of = focal_loss.py_sigmoid_focal_loss

    def as_on_a_card(scores, *args, **kwargs):
        seen.append(scores.dtype)
        return loss_of(scores, *args, **kwargs)

    monkeypatch.setattr(focal_loss, 'py_sigmoid_focal_loss', as_on_a_card)
    make = MODELS[name][0] if name in MODELS else VARIANTS[name]
    net = copy.deepcopy(make()).train()
    clip = training_clip(*COUNTS['common'])
    with torch.autocast('cpu', torch.bfloat16):
        losses = net.loss(*clip)
    assert without_gradient(net, losses) == []
    assert torch.bfloat16 not in seen and bool(seen) == (name in FOCAL)


# Whose losses join objects of all clips.
@pytest.mark.parametrize('name', ['stmask', 'sg_net', 'instance_flow'])
def test_mixed_clips_train_together(name):
    net = copy.deepcopy(MODELS[name][0]()).train()
    inputs, samples = zip(*(training_clip(*c) for c in COUNTS.values()), strict=True)
    samples = [sample for clip in samples for sample in clip]
    losses = net.loss(torch.cat(inputs), samples)
    assert without_gradient(net, losses) == []
