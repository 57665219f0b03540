"""What a config says of the first weights of a part holds, however deep it lies."""

import pytest
import torch
from mmengine.registry import init_default_scope
from model_factory import tiny_config

from mmvis.registry import MODELS

ALL_THREES = dict(type='Constant', layer='Conv2d', val=3.0)


@pytest.fixture(scope='module')
def build():
    init_default_scope('mmvis')

    def built(cfg):
        net = MODELS.build(cfg)
        net.init_weights()
        return net

    return built


def stmask(offset):
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py').model
    cfg.bbox_head.calibration = dict(
        type='CalibratedConvolution',
        offset=dict(type='AdaptiveOffset', **offset),
        branches=('cls', 'coeff'),
    )
    return cfg


def weights_of(layers):
    return torch.cat([layer.weight.flatten() for layer in layers])


def test_offsets_of_calibrated_convolutions(build):
    head = build(stmask(dict(init_cfg=ALL_THREES))).bbox_head
    layers = [*head.cls_preds, *head.coeff_preds]
    assert (weights_of(layer.offset.conv for layer in layers) == 3).all()
    assert (weights_of(layer.conv for layer in layers).abs() < 1).all()


def test_the_layers_of_a_head_begin_as_it_says(build):
    cfg = stmask({})
    cfg.bbox_head.init_cfg = ALL_THREES
    head = build(cfg).bbox_head
    assert (weights_of(layer.offset.conv for layer in head.cls_preds) == 3).all()


def test_fusions_of_the_inter_frame_head(build):
    cfg = tiny_config('tiny/instance_flow_tiny_synthvis.py').model
    cfg.inter_frame_head.fusion.init_cfg = ALL_THREES
    fusions = build(cfg).inter_frame_head.temporal_fusions
    assert (weights_of(fusion.output for fusion in fusions) == 3).all()
