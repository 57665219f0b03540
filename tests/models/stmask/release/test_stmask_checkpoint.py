"""Released weights: what network they are, and under which names they arrive."""

import re

import pytest
import torch
from fixtures.stmask_fixtures import official_shapes, official_state
from torch import Tensor

from mmvis.engine.checkpoint import CheckpointError
from mmvis.models.stmask.release.checkpoint import convert_state_dict

HEAD = 'prediction_layers.0'
BLOCKS_50 = ((), (0, 2), (0, 2, 4), (0, 2))
BLOCKS_101 = ((), (0, 3), (0, 3, 6, 9, 12, 15, 18, 21), (0,))


def empty_state(config: str) -> dict[str, Tensor]:
    """The official names and shapes, with zeros that take no memory."""
    zero = torch.zeros(())
    return {name: zero.expand(shape) for name, shape in official_shapes(config)}


def yolact_state() -> dict[str, Tensor]:
    """A Yolact++ of COCO: 80 classes, 9 anchors a place, its own layers beside."""
    zero = torch.zeros(())
    state = {
        name: tensor
        for name, tensor in empty_state('STMask_plus_base_ada').items()
        if name.startswith(('backbone.', 'fpn.', 'proto_net.'))
    }
    shapes = {
        f'{HEAD}.upfeature.0.weight': (256, 256, 3, 3),
        f'{HEAD}.upfeature.0.bias': (256,),
        'semantic_seg_conv.weight': (80, 256, 1, 1),
        'semantic_seg_conv.bias': (80,),
        'maskiou_net.0.weight': (8, 1, 3, 3),
        'maskiou_net.0.bias': (8,),
        # What old versions wrote in addition.
        'backbone.layer1.0.conv1.weight': (64, 64, 1, 1),
        'fpn.downsample_layers.2.weight': (256, 256, 3, 3),
    }
    for layer, rows in (('bbox', 4), ('conf', 81), ('mask', 32)):
        shapes[f'{HEAD}.{layer}_layer.weight'] = (9 * rows, 256, 3, 3)
        shapes[f'{HEAD}.{layer}_layer.bias'] = (9 * rows,)
    return state | {name: zero.expand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ('config', 'depth', 'blocks', 'offset', 'fitting'),
    [
        ('STMask_plus_resnet50', 50, BLOCKS_50, None, 'r50'),
        ('STMask_plus_resnet50_ada', 50, BLOCKS_50, 'AdaptiveOffset', 'r50_ada'),
        ('STMask_plus_resnet50_ali', 50, BLOCKS_50, 'AlignedOffset', 'r50_ali'),
        ('STMask_plus_base_ada', 101, BLOCKS_101, 'AdaptiveOffset', 'r101_ada'),
    ],
)
def test_the_network_is_read_off_the_file(config, depth, blocks, offset, fitting):
    official = empty_state(config)
    state, network = convert_state_dict(official)
    assert len(state) == len(official)
    assert network.family == 'STMask'
    assert (network.depth, network.dcn_blocks) == (depth, blocks)
    assert (network.offset, network.num_classes) == (offset, 40)
    assert network.config == f'stmask_official/stmask_official_{fitting}.py'
    assert network.config_options == {}


def test_other_blocks_and_classes_become_options():
    official = empty_state('STMask_plus_resnet50')
    for name in list(official):
        if re.match(r'backbone\.layers\.[123]\.[24]\.conv2\.(bias|conv_off)', name):
            del official[name]
        if re.match(rf'{HEAD}\.conf_layer', name):
            official[name] = official[name][:26]
    _, network = convert_state_dict(official)
    assert network.dcn_blocks == ((), (0,), (0,), (0,))
    # Blocks 0 and none other before 6: the stages have 4, 6 and 3 blocks.
    assert network.config_options == {
        'model.backbone.dcn_interval': 6,
        'model.bbox_head.num_classes': 25,
    }
    plain = {
        name: tensor
        for name, tensor in official.items()
        if not re.match(r'backbone.*conv2\.(bias|conv_off)', name)
    }
    _, network = convert_state_dict(plain)
    assert network.config_options['model.backbone.dcn_interval'] is None
    del official['backbone.layers.3.0.conv2.bias']
    for part in ('weight', 'bias'):
        del official[f'backbone.layers.3.0.conv2.conv_offset_mask.{part}']
    _, network = convert_state_dict(official)
    blocks = network.config_options['model.backbone.dcn_blocks']
    assert blocks == [[], [0], [0], []]


def test_values_arrive_and_the_background_comes_last():
    official = official_state('STMask_plus_resnet50_ada')
    state, _ = convert_state_dict(official)
    logits = [f'{HEAD}.conf_layer.{kernel}.conv.bias' for kernel in range(3)]
    for kernel, name in enumerate(logits):
        bias = state[f'bbox_head.cls_preds.{kernel}.conv.bias']
        # The rule adds 7.5 to the background.
        assert official[name].argmax() == 0 and bias.argmax() == 40
        assert torch.equal(bias[:40], official[name][1:])
    # All other values are there once, whatever their name.
    moved = sum(t.double().sum() for t in state.values())
    assert moved.item() == pytest.approx(
        sum(t.double().sum() for t in official.values()).item(), rel=1e-12
    )
    assert torch.equal(
        state['neck.lateral_convs.2.conv.weight'], official['fpn.lat_layers.0.weight']
    )


def test_old_files_lack_the_counters_of_batch_norm():
    official = empty_state('STMask_plus_resnet50')
    counters = [name for name in official if name.endswith('.num_batches_tracked')]
    old = {name: value for name, value in official.items() if name not in counters}
    state, _ = convert_state_dict(old)
    assert len(counters) > 0
    assert len(state) == len(old)


def test_a_renamed_tensor_is_named():
    official = empty_state('STMask_plus_resnet50_ali')
    official['TemporalNet.fc_mask.bias'] = official.pop('TemporalNet.fc_coeff.bias')
    with pytest.raises(CheckpointError) as error:
        convert_state_dict(official, 'ali.pth')
    assert str(error.value) == (
        'ali.pth looks like STMask, ResNet-50, 7 deformable blocks, class branch '
        'AlignedOffset, 40 classes, but lacks TemporalNet.fc_coeff.bias (1 in all) '
        'and has the unknown TemporalNet.fc_mask.bias (1 in all).'
    )


def test_a_torn_network_names_five_tensors():
    official = empty_state('STMask_plus_base_ada')
    cut = {n: t for n, t in official.items() if 'backbone.layers.2.22' not in n}
    with pytest.raises(CheckpointError) as error:
        convert_state_dict(cut)
    assert 'ResNet-101' in str(error.value)
    assert str(error.value).count('backbone.layers.2.22.') == 5


def test_other_networks_are_refused():
    converted, _ = convert_state_dict(empty_state('STMask_plus_resnet50'))
    with pytest.raises(CheckpointError, match=r'is not a state dict of.*backbone\.co'):
        convert_state_dict(converted)
    darknet = {f'backbone.layers.4.{b}.conv.weight': torch.zeros(1) for b in range(4)}
    with pytest.raises(CheckpointError, match='no ResNet-50, 101 or 152'):
        convert_state_dict(darknet)


def test_yolact_gives_an_initialisation():
    state, network = convert_state_dict(yolact_state())
    assert (network.family, network.depth) == ('Yolact++', 101)
    assert network.num_classes == 80
    whole, _ = convert_state_dict(empty_state('STMask_plus_base_ada'))
    parts = ('backbone.', 'neck.', 'prototype_net.', 'bbox_head.shared_conv.')
    expected = {n: t.shape for n, t in whole.items() if n.startswith(parts)}
    assert {n: t.shape for n, t in state.items()} == expected
    layers = {name.removeprefix(f'{HEAD}.').split('.')[0] for name in network.left_out}
    assert layers == {
        'bbox_layer',
        'conf_layer',
        'mask_layer',
        'semantic_seg_conv',
        'maskiou_net',
        'backbone',
        'fpn',
    }


def test_yolact_with_an_unknown_layer_is_refused():
    official = yolact_state() | {'class_existence_fc.weight': torch.zeros(80, 256)}
    with pytest.raises(CheckpointError, match='has the unknown class_existence_fc'):
        convert_state_dict(official)
