"""The released backbone and pyramid: C2-C5 and P3-P7 of a drawn frame."""

import numpy as np
import torch
from fixtures.stmask_fixtures import (
    assert_outputs_equal,
    assert_statistics_equal,
    frame,
    load,
    official_state,
)
from torch import Tensor, nn

from mmvis.models.stmask.deformable_resnet import DeformableResNet
from mmvis.models.stmask.release.checkpoint import convert_state_dict
from mmvis.registry import MODELS

NECK = dict(type='YolactFPN', in_channels=[256, 512, 1024, 2048], out_channels=256)


def released_maps(config: str, depth: int, interval: int) -> dict[str, Tensor]:
    """C2-C5 and P3-P7 of frame A0 with weights by the rule."""
    backbone = DeformableResNet(depth, dcn_interval=interval)
    neck = MODELS.build(NECK)
    network = nn.ModuleDict(dict(backbone=backbone, neck=neck)).eval()
    state, _ = convert_state_dict(official_state(config))
    own = {k: v for k, v in state.items() if k.startswith(('backbone.', 'neck.'))}
    network.load_state_dict(own)
    with torch.no_grad():
        levels = backbone(frame('A', 0))
        pyramid = neck(levels)
    named = {f'C{i}': level for i, level in enumerate(levels, 2)}
    return named | {f'P{i}': level for i, level in enumerate(pyramid, 3)}


def test_resnet50_and_pyramid_equal_the_release():
    maps = released_maps('STMask_plus_resnet50_ada', 50, 2)
    stored = load('raw_r50_ada_frame0')
    names = ['C2', 'C3', 'C4', 'C5', 'P3', 'P4', 'P5', 'P6', 'P7']
    rows = np.concatenate([stored['stats_backbone_C2_C5'], stored['stats_fpn_P3_P7']])
    for name, expected in zip(names, rows, strict=True):
        assert_statistics_equal(maps[name], expected, name)
    assert_outputs_equal(maps['C5'][0].mean((1, 2)), stored['chan_mean_C5'], 'C5')
    assert_outputs_equal(maps['P4'][0, ::16], stored['fpn_P4_ch_step16'], 'P4')
    assert maps['P5'].min() == 0
    assert maps['P6'].min() < 0 and maps['P7'].min() < 0


def test_resnet101_and_pyramid_equal_the_release():
    stored = load('raw_r101_ada_frame0')
    for name, level in released_maps('STMask_plus_base_ada', 101, 3).items():
        assert_statistics_equal(level, stored[f'stats_{name}'], name)
        sample = level.flatten()[:: stored[f'sample_step_{name}'].item()]
        assert_outputs_equal(sample, stored[f'sample_{name}'], name)


def test_norm_layers_are_in_all_convolutions():
    neck = MODELS.build(dict(NECK, norm_cfg=dict(type='BN'), num_outs=4))
    norms = [m for m in neck.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 3 + 3 + 1
    assert not neck.fpn_convs[3].with_activation
    assert all(conv.with_activation for conv in neck.fpn_convs[:3])
