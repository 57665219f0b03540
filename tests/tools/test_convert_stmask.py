"""The converter of released checkpoints as a command."""

import pickle
import runpy
from pathlib import Path

import pytest
import torch
from fixtures.stmask_fixtures import official_shapes
from torch import Tensor

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'model_converters' / 'stmask.py'
OFFICIAL = ROOT / 'configs' / 'stmask_official'
HEAD = 'prediction_layers.0'


@pytest.fixture
def convert(tmp_path):
    """Runs the command on a state dict; the exit code and the file written."""
    main = runpy.run_path(str(TOOL))['main']
    source, out = tmp_path / 'official.pth', tmp_path / 'new' / 'converted.pth'

    def run(content, *options: str) -> tuple[int, Path]:
        if isinstance(content, dict):
            torch.save(content, source)
        else:
            source.write_bytes(content)
        return main([str(source), '--out', str(out), *options]), out

    return run


def state_of(config: str) -> dict[str, Tensor]:
    """Zeros that take no memory, neither here nor in a file."""
    zero = torch.zeros(())
    return {name: zero.expand(shape) for name, shape in official_shapes(config)}


def yolact_of(config: str) -> dict[str, Tensor]:
    """What a Yolact++ shares with an STMask, and its own class branch."""
    shared = ('backbone.', 'fpn.', 'proto_net.', f'{HEAD}.upfeature.')
    state = {k: v for k, v in state_of(config).items() if k.startswith(shared)}
    for layer, rows in (('bbox', 4), ('conf', 81), ('mask', 32)):
        state[f'{HEAD}.{layer}_layer.weight'] = torch.zeros(()).expand(9 * rows, 256)
        state[f'{HEAD}.{layer}_layer.bias'] = torch.zeros(()).expand(9 * rows)
    return state


@pytest.mark.parametrize(
    ('official', 'config'),
    [
        ('STMask_plus_resnet50', 'stmask_official_r50.py'),
        ('STMask_plus_resnet50_ada', 'stmask_official_r50_ada.py'),
        ('STMask_plus_resnet50_ali', 'stmask_official_r50_ali.py'),
        ('STMask_plus_base_ada', 'stmask_official_r101_ada.py'),
    ],
)
def test_released_checkpoints_fit_their_configs(official, config, convert, capsys):
    code, out = convert(state_of(official), '--config', str(OFFICIAL / config))
    captured = capsys.readouterr()
    assert code == 0, captured.err
    lines = captured.out.splitlines()
    assert lines[0].startswith('read STMask, ResNet-')
    assert f'fits configs/stmask_official/{config}' in lines
    checkpoint = torch.load(out, weights_only=True)
    assert len(checkpoint['state_dict']) == len(state_of(official))
    assert checkpoint['meta']['converted_from'] == 'official.pth'


def test_another_number_of_classes_is_said(convert, capsys):
    official = {
        name: tensor[:26] if f'{HEAD}.conf_layer' in name else tensor
        for name, tensor in state_of('STMask_plus_resnet50').items()
    }
    config = str(OFFICIAL / 'stmask_official_r50.py')
    code, out = convert(official, '--config', config)
    assert code == 1 and not out.exists()
    assert capsys.readouterr().err == (
        f'stmask: official.pth has 25 classes, but the model of {config} has 40: set '
        'model.bbox_head.num_classes=25 there, or take the checkpoint of that '
        'dataset.\n'
    )
    assert convert(official)[0] == 0
    suggestion = 'stmask_official_r50.py with model.bbox_head.num_classes=25'
    assert suggestion in capsys.readouterr().out


def test_another_network_than_the_config_is_said(convert, capsys):
    config = str(OFFICIAL / 'stmask_official_r50_ada.py')
    code, _ = convert(state_of('STMask_plus_resnet50_ali'), '--config', config)
    error = capsys.readouterr().err
    assert code == 1
    assert 'bbox_head.cls_preds.0.offset.conv.weight' in error
    assert 'should fit configs/stmask_official/stmask_official_r50_ali.py' in error


def test_a_renamed_tensor_ends_it(convert, capsys):
    official = state_of('STMask_plus_resnet50')
    official['fpn.lateral.0.weight'] = official.pop('fpn.lat_layers.0.weight')
    code, out = convert(official)
    assert code == 1 and not out.exists()
    error = capsys.readouterr().err
    assert 'fpn.lateral.0.weight' in error and 'fpn.lat_layers.0.weight' in error


class Exploit:
    def __reduce__(self):
        return (pytest.fail, ('code of the file was run',))


def test_code_is_not_run(convert, capsys):
    assert convert({'backbone.conv1.weight': Exploit()})[0] == 1
    assert 'could run any code' in capsys.readouterr().err
    assert convert(pickle.dumps([1, 2], protocol=2))[0] == 1
    assert convert({'epoch': 3})[0] == 1
    assert convert({'state_dict': {'epoch': 3}})[0] == 1
    for line in capsys.readouterr().err.splitlines()[-2:]:
        assert 'official.pth holds no weights' in line


def test_a_checkpoint_with_a_state_dict_is_the_same(convert):
    official = state_of('STMask_plus_resnet50')
    plain = torch.load(convert(official)[1], weights_only=True)
    code, out = convert({'state_dict': official, 'epoch': 3})
    assert code == 0
    assert torch.load(out, weights_only=True)['state_dict'].keys() == (
        plain['state_dict'].keys()
    )


def test_a_missing_config_is_said(convert, capsys):
    code, out = convert(state_of('STMask_plus_resnet50'), '--config', 'none.py')
    assert code == 1 and not out.exists()
    error = capsys.readouterr().err
    assert error.startswith('stmask: The config none.py does not exist (looked for it')


def test_a_missing_file_is_said(tmp_path, capsys):
    main = runpy.run_path(str(TOOL))['main']
    assert main([str(tmp_path / 'none.pth'), '--out', str(tmp_path / 'out.pth')]) == 1
    assert 'none.pth does not exist' in capsys.readouterr().err


def test_yolact_starts_the_model_of_a_config(convert, capsys):
    code, out = convert(yolact_of('STMask_plus_base_ada'))
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0] == 'read Yolact++, ResNet-101, 11 deformable blocks, 80 classes'
    left_out = next(line for line in lines if line.startswith('left out, no place'))
    assert f'{HEAD}.conf_layer' in left_out
    assert len(torch.load(out, weights_only=True)['state_dict']) > 600


def test_yolact_tensors_that_the_model_lacks_are_left_out(convert, capsys):
    """R50 with blocks 0, 2, ... against the paper's R50 with blocks 0, 3, ..."""
    official = yolact_of('STMask_plus_resnet50')
    config = str(ROOT / 'configs' / 'stmask_r50.py')
    code, out = convert(official, '--config', config)
    assert code == 0
    lines = capsys.readouterr().out.splitlines()
    left_out = next(line for line in lines if line.startswith('left out, not in'))
    # Blocks 2 of stages 2 and 4, blocks 2 and 4 of stage 3, three tensors each.
    names = left_out.removeprefix('left out, not in the model: ').split(', ')
    assert len(names) == 4 * 3
    assert 'backbone.layer2.2.conv2.bias' in names
    state = torch.load(out, weights_only=True)['state_dict']
    assert not set(names) & set(state)
