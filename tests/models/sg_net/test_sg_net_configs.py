"""Every SG-Net config trains a step and predicts, in a small edition of itself."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from model_configs import (
    build,
    configs_of,
    full_size,
    millions_of_parameters,
    name_of,
    predict_some,
    train_one_step,
)
from model_factory import CONFIGS

from mmvis.models.sg_net.sub_regions import divide_boxes

ALL = configs_of('sg_net')
CHANNELS = 32
BACKBONE_R50, BACKBONE_R101 = 23.5, 42.5


def small(path: Path):
    """The config's model with few channels; all else as it stands."""
    model = Config.fromfile(path).model
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
    net = build(small(path))
    losses = train_one_step(net, 1 if path.stem.endswith('_coco') else 2)
    assert ('loss_embed' in losses) == ('embedding' in path.stem)

    predict_some(net)


@pytest.mark.parametrize('path', full_size(ALL), ids=name_of)
def test_size_of_the_network(path):
    """Parameters, counted on the meta device, and what the file's name promises."""
    model = Config.fromfile(path).model
    millions = millions_of_parameters(path)
    deep = '_r101' in path.stem or '_table' in path.stem
    assert model.backbone.depth == (101 if deep else 50)
    expected = BACKBONE_R101 if deep else BACKBONE_R50
    assert expected < millions['backbone'] < expected + 2
    assert 30 < sum(millions.values()) < 70


def full(name):
    (path,) = [p for p in ALL if p.stem == name]
    return Config.fromfile(path).model


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
