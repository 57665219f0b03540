"""InstanceFlow's configs train a step and predict, in a small edition of themselves."""

from pathlib import Path

import pytest
import torch
from model_configs import (
    build,
    configs_of,
    load,
    millions_of_parameters,
    name_of,
    parsed,
    predict_some,
    train_one_step,
)
from model_factory import CONFIGS

ALL = configs_of('instance_flow')
# The different networks and losses; what other configs change is compared below.
NETWORKS = [
    CONFIGS / f'{name}.py'
    for name in (
        'instance_flow_r50',
        'instance_flow_r50_coco',
        'tiny/instance_flow_tiny_synthvis',
        'ablations/instance_flow/instance_flow_table2_concat_convs',
        'ablations/instance_flow/instance_flow_table2_concat_cascade_aspp',
        'ablations/instance_flow/instance_flow_table4_affinity_field',
        'ablations/instance_flow/instance_flow_table4_inter_offset_iou',
        'ablations/instance_flow/instance_flow_table5_all_background',
    )
]
HEADS = ('semantic_head', 'intra_frame_head', 'inter_frame_head')


def small(path: Path):
    """The config's model with few channels; all else as it stands."""
    model = load(path).model
    if 'tiny' not in path.parts:
        model.backbone.update(base_channels=8, init_cfg=None)
        for name in HEADS:
            if model.get(name) is not None:
                model[name].update(
                    in_channels=(32, 64, 256), aspp_channels=16, feat_channels=16
                )
    model.assembly.update(threshold=-1.0, top_k=5, min_area=1)
    return model


@pytest.mark.parametrize('path', NETWORKS, ids=name_of)
def test_one_step_and_one_prediction(path):
    net = build(small(path))
    pairs = path.stem != 'instance_flow_r50_coco'
    losses = train_one_step(net, 1 + pairs)
    assert ('loss_inter' in losses) == pairs
    assert ('loss_shape' in losses) == (pairs and 'table4' not in path.stem)
    # Everything is foreground, so that there are instances.
    torch.nn.init.constant_(net.semantic_head.predictors[-1][1].bias[-1:], -50.0)
    predict_some(net, 3)


@pytest.mark.parametrize(
    ('name', 'branches'), [('instance_flow_r50', 3), ('instance_flow_r50_coco', 2)]
)
def test_size_of_the_network(name, branches):
    millions = millions_of_parameters(CONFIGS / f'{name}.py')
    assert 23.4 < millions['backbone'] < 23.7
    assert 5 < (sum(millions.values()) - millions['backbone']) < 4 * branches


def full(name):
    (path,) = [p for p in ALL if p.stem == name]
    return parsed(path)


# What each row of Tables II to VII changes: a dotted key and its value.
ROWS = {
    'table2_concat_convs': ('inter_frame_head.fusion.type', 'ConcatConvFusion'),
    'table2_concat_cascade_aspp': (
        'inter_frame_head.fusion.type',
        'ConcatCascadeASPPFusion',
    ),
    **{f'table3_references_{n}': ('tracker.num_references', n) for n in (1, 2, 3, 5)},
    'table4_affinity_field': ('tracker.flow.type', 'AffinityField'),
    'table4_inter_offset_iou': ('tracker.flow.type', 'InterOffsetIoU'),
    'table4_inter_offset_average': ('tracker.flow.type', 'InterOffsetAverage'),
    'table4_offset_residual': ('criterion.loss_shape', None),
    'table5_center_background': ('criterion.background', ('center',)),
    'table5_offset_background': ('criterion.background', ('intra', 'inter')),
    'table5_all_background': ('criterion.background', ('center', 'intra', 'inter')),
    'table6_semantic_score': ('tracker.score', 'semantic'),
    'table6_center_score': ('tracker.score', 'center'),
    'table7_window_21_threshold_05': ('assembly.threshold', 0.05),
    'table7_window_21_threshold_15': ('assembly.kernel', 21),
    'table7_window_21_threshold_25': ('assembly.threshold', 0.25),
    'table7_window_41_threshold_05': ('assembly.threshold', 0.05),
    'table7_window_41_threshold_25': ('assembly.threshold', 0.25),
}


def differences(one, other, place=''):
    """Dotted keys in which two dicts differ."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return [] if one == other else [place]
    return [
        found
        for key in sorted(one.keys() | other.keys())
        for found in differences(
            one.get(key), other.get(key), f'{place}.{key}'.strip('.')
        )
    ]


def test_rows_change_what_they_say_and_the_model_alone():
    default = full('instance_flow_r50').to_dict()
    ablations = {p.stem for p in ALL if 'ablations' in p.parts}
    assert ablations == {f'instance_flow_{name}' for name in ROWS}
    for name, (key, value) in ROWS.items():
        config = full(f'instance_flow_{name}')
        node = config.model
        for part in key.split('.'):
            node = node[part]
        assert node == value, name
        changed = differences(default, config.to_dict())
        assert f'model.{key}' in changed, name
        # Variables of the files, and what belongs to a flow estimator, may differ.
        allowed = 6 if 'table4' in name else 2
        inside = [place for place in changed if place.startswith('model.')]
        assert len(inside) <= allowed, (name, inside)
        assert {p.split('.')[0] for p in changed} <= {'model', 'fusion'}, name


def test_the_tables_are_complete():
    document = (CONFIGS.parent / 'docs/en/models/instance_flow.md').read_text()
    for path in ALL:
        name = path.stem.removeprefix('instance_flow_r50')
        assert name in document, path
