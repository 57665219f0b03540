"""Every STMask config trains a step and predicts, in a small edition of itself."""

from pathlib import Path

import pytest
import torch
from model_configs import (
    Networks,
    build,
    configs_of,
    full_size,
    load,
    millions_of_parameters,
    name_of,
    predict_some,
    train_one_step,
)
from model_factory import CONFIGS

ALL = configs_of('stmask', 'stmask_official')
NETWORKS = Networks()
CHANNELS = 16
# Parameters in millions of the networks that the papers' tables compare.
BACKBONE_R50, BACKBONE_R101 = 23.5, 42.5


def small(path: Path):
    """The config's model with few channels; all else as it stands."""
    model = load(path).model
    if 'tiny' not in path.parts:
        model.backbone.update(depth=50, base_channels=8, init_cfg=None)
        model.backbone.frozen_stages = -1
        model.neck.update(in_channels=[32, 64, 128, 256], out_channels=CHANNELS)
        model.prototype_net.update(
            in_channels=CHANNELS, feat_channels=CHANNELS, num_prototypes=8
        )
        model.bbox_head.update(
            in_channels=CHANNELS,
            feat_channels=CHANNELS,
            num_coefficients=8,
            embed_channels=8,
        )
        if model.temporal_net is not None:
            model.temporal_net.update(
                feat_channels=CHANNELS, channels=(16, 16, 16), num_coefficients=8
            )
    model.bbox_head.test_cfg.update(score_thr=0.0, max_per_img=5, min_score=None)
    if model.bbox_head.test_cfg.nms.type != 'nms':
        model.bbox_head.test_cfg.nms.top_k = 20
    if model.tracker.type == 'EmbeddingMaskIoUTracker':
        model.tracker.update(min_score=None, min_mask_area=0)
    return model


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_one_step_and_one_prediction(path):
    model = small(path)
    if not NETWORKS.is_new(path, model):
        return
    net = build(model)
    losses = train_one_step(net, 1 if path.stem == 'stmask_r101_coco' else 2)
    assert ('loss_shift_bbox' in losses) == (model.temporal_net is not None)

    predict_some(net)


@pytest.mark.parametrize(
    ('name', 'backbone'),
    [
        ('stmask_r50', BACKBONE_R50),
        ('stmask_r101', BACKBONE_R101),
        ('stmask_official/stmask_official_r101_ada', BACKBONE_R101),
    ],
)
def test_size_of_the_network(name, backbone):
    """Parameters, counted on the meta device."""
    millions = millions_of_parameters(CONFIGS / f'{name}.py')
    # Deformable blocks add their offsets' convolutions.
    assert backbone < millions['backbone'] < backbone + 2
    assert 30 < sum(millions.values()) < 90


def test_files_are_what_their_names_promise():
    for path in full_size(ALL):
        model = load(path).model
        assert model.backbone.depth == (50 if '_r50' in path.stem else 101), path
        branches = dict(model.bbox_head.get('calibration') or {}).get('branches', ())
        for part, branch in (('class', 'cls'), ('mask', 'coeff'), ('track', 'embed')):
            if 'table2' in path.stem:
                assert (part in path.stem.split('_')) == (branch in branches), path


def test_the_tables_are_complete():
    names = {path.stem for path in ALL if '_table' in path.stem}
    # Table 1 has three rows, Table 2 four twice, Table 3 two, Table 5 three that are
    # in none of the others.
    assert len(names) == 3 + 2 * 4 + 2 + 3
    document = (CONFIGS.parent / 'docs/en/models/stmask.md').read_text()
    for name in names:
        short = name.replace('_ada', '_{ada,ali}').replace('_ali', '_{ada,ali}')
        assert name in document or short in document, name


def test_anchors_of_table_6():
    anchors = {}
    for name in ('stmask_r50', 'stmask_r101', 'stmask_official_r50_ada'):
        (path,) = [p for p in ALL if p.stem == name]
        head = load(path).model.bbox_head
        head.pop('test_cfg')
        with torch.device('meta'):
            anchors[name] = build(head).anchor_generator.num_anchors
    assert anchors == dict(stmask_r50=9, stmask_r101=3, stmask_official_r50_ada=3)
