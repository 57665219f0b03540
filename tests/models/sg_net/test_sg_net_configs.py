"""Every SG-Net config trains a step and predicts, in a small edition of itself."""

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

from mmvis.models.sg_net.sub_regions import divide_boxes

ALL = configs_of('sg_net')
NETWORKS = Networks()
CHANNELS = 32
BACKBONE_R50, BACKBONE_R101 = 23.5, 42.5


def small(path: Path):
    """The config's model with few channels; all else as it stands."""
    model = load(path).model
    if 'tiny' not in path.parts:
        model.backbone.update(depth=50, base_channels=8, init_cfg=None)
        model.backbone.frozen_stages = -1
        model.neck.update(in_channels=[32, 64, 128, 256], out_channels=CHANNELS)
        model.base_mask_module.update(in_channels=CHANNELS, feat_channels=CHANNELS)
        model.bbox_head.update(
            in_channels=CHANNELS, feat_channels=CHANNELS, stacked_convs=1
        )
    model.bbox_head.test_cfg.update(score_thr=0.0, max_per_img=5)
    return model


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_one_step_and_one_prediction(path):
    model = small(path)
    if not NETWORKS.is_new(path, model):
        return
    net = build(model)
    losses = train_one_step(net, 1 if path.stem.endswith('_coco') else 2)
    assert ('loss_embed' in losses) == ('embedding' in path.stem)

    predict_some(net)


@pytest.mark.parametrize(
    ('name', 'backbone'),
    [('sg_net_r50', BACKBONE_R50), ('sg_net_r101', BACKBONE_R101)],
)
def test_size_of_the_network(name, backbone):
    """Parameters, counted on the meta device."""
    millions = millions_of_parameters(CONFIGS / f'{name}.py')
    assert backbone < millions['backbone'] < backbone + 2
    assert 30 < sum(millions.values()) < 70


def test_files_are_what_their_names_promise():
    for path in full_size(ALL):
        deep = '_r101' in path.stem or '_table' in path.stem
        assert load(path).model.backbone.depth == (101 if deep else 50), path


def full(name):
    (path,) = [p for p in ALL if p.stem == name]
    return load(path).model


def test_rows_of_table_2():
    """Each row switches on what the paper's check marks say, and nothing else."""
    rows = [full(f'sg_net_table2_{row}') for row in 'abcd'] + [full('sg_net_r101')]
    base_masks = [r.base_mask_module.num_convs == 2 for r in rows]
    levels = [r.base_mask_module.num_levels == 3 for r in rows]
    attention = [r.blender.max_division == 6 for r in rows]
    boxes = [r.bbox_head.loss_bbox.type == 'LogGIoULoss' for r in rows]
    assert base_masks == levels == [False, True, False, True, True]
    assert attention == [False, False, True, True, True]
    assert boxes == [False, False, False, False, True]
    assert all(r.blender.type == 'VectorBlender' for r in rows[:2])


def test_rows_of_tables_3_to_5():
    for division in (2, 4, 8):
        blender = build(full(f'sg_net_table3_division_{division}').blender)
        assert blender.num_base_masks == division**2
        boxes = torch.tensor([[0.0, 0, 639, 359], [0, 0, 60, 40]])
        grids = divide_boxes(boxes, blender.max_division, blender.region_size)
        assert grids.tolist() == [[division, min(division, 8)], [2, 1]]
    assert full('sg_net_table4_upsample_2').base_mask_module.upsample == 2
    assert full('sg_net_table4_upsample_1').base_mask_module.upsample == 1
    assert full('sg_net_table5_p3').base_mask_module.num_levels == 1
    assert full('sg_net_table5_p3_p4').base_mask_module.num_levels == 2
    default = full('sg_net_r101')
    assert default.blender.max_division == 6
    assert default.base_mask_module.upsample == 4


def test_the_tables_are_complete():
    document = (CONFIGS.parent / 'docs/en/models/sg_net.md').read_text()
    names = {path.stem for path in ALL if 'ablations' in path.parts}
    # Table 2 has four rows besides the full model, Table 3 three, Tables 4 and 5 two.
    assert len([name for name in names if 'table' in name]) == 4 + 3 + 2 + 2
    for name in names:
        assert name in document, name
