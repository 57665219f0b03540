"""Weights are found in whatever form they come, and are those that were saved."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn
from torch.optim.swa_utils import AveragedModel
from toy_runner import ToyModel, make_runner

from mmvis.engine import checkpoint_forms
from mmvis.engine.checkpoint import CheckpointError, load_checkpoint_file
from mmvis.engine.checkpoint_forms import unified


def network() -> nn.Sequential:
    """Its own names have a 'module' and a counter that is no weight."""
    torch.manual_seed(3)
    inner = nn.ModuleDict(dict(module=nn.Linear(2, 3), norm=nn.BatchNorm1d(3)))
    return nn.Sequential(nn.Linear(2, 2), inner)


def compiled_part() -> nn.Module:
    """Compiled is one part of it, which nothing runs."""
    model = network()
    model[0] = torch.compile(model[0])
    return model


def wrapped() -> nn.Module:
    return nn.DataParallel(torch.compile(network()))


def saved(content: object, folder: Path) -> str:
    path = folder / 'weights.pth'
    torch.save(content, path)
    return str(path)


@pytest.mark.parametrize(
    'content',
    [
        lambda: network().state_dict(),
        lambda: nn.DataParallel(network()).state_dict(),
        lambda: torch.compile(network()).state_dict(),
        lambda: wrapped().state_dict(),
        lambda: compiled_part().state_dict(),
        lambda: AveragedModel(network()).state_dict(),
        lambda: dict(model=network().state_dict(), epoch=3),
        lambda: dict(model_state_dict=wrapped().state_dict(), model_name='net'),
        lambda: dict(ema_state_dict=AveragedModel(network()).state_dict(), model='net'),
        lambda: dict(state_dict=torch.compile(network()).state_dict(), meta=None),
    ],
)
def test_every_form_gives_the_weights_of_the_network(tmp_path, content):
    read = CheckpointLoader.load_checkpoint(saved(content(), tmp_path))
    weights = read.get('state_dict', read)
    target = network()
    for parameter in target.parameters():
        nn.init.constant_(parameter, 9.0)
    target.load_state_dict(weights)  # strict: every name, and no other
    for name, value in network().state_dict().items():
        torch.testing.assert_close(target.state_dict()[name], value)
    # Layers find their versions by the names of the modules.
    versions = getattr(weights, '_metadata', {})
    assert set(versions) <= set(network().state_dict()._metadata)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_weights_are_loaded_into_a_full_model(tmp_path, dtype):
    half = ToyModel().to(dtype)
    runner = make_runner(tmp_path, load_from=saved(half.state_dict(), tmp_path))
    runner.load_or_resume()
    assert runner.model.layer.weight.dtype == torch.float32
    assert torch.equal(runner.model.layer.weight, half.layer.weight.float())


def test_averaged_weights_are_taken_only_where_asked_or_alone(monkeypatch):
    said = []
    note = lambda text, logger: said.append(text)  # noqa: E731
    monkeypatch.setattr(checkpoint_forms, 'print_log', note)
    plain, averaged = {'w': torch.ones(1)}, {'w': torch.zeros(1)}
    both = dict(model_state_dict=plain, ema_state_dict=averaged)
    assert unified(both, 'x.pth')['state_dict']['w'] == 1
    assert unified(both, 'x.pth', averaged=True)['state_dict']['w'] == 0
    assert 'model_state_dict are used, not the averaged' in said[0]
    assert 'averaged (EMA) weights are used, under ema_state_dict' in said[1]


def test_averages_of_mmengine_are_said_and_survive_a_resume(tmp_path, capsys):
    """EMAHook saves the averages as state_dict, and swaps again when it resumes."""
    hook = dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.5)
    first = make_runner(tmp_path, custom_hooks=[hook])
    first.train()
    path = str(tmp_path / 'epoch_2.pth')
    raw = load_checkpoint_file(path)
    averaged = raw['state_dict']['layer.weight']
    assert not torch.equal(averaged, first.model.layer.weight)

    capsys.readouterr()
    tested = make_runner(tmp_path, load_from=path, log_level='INFO')
    tested.load_or_resume()
    assert torch.equal(tested.model.layer.weight, averaged)
    assert 'has averaged (EMA) weights as its state_dict' in capsys.readouterr().out
    unified(raw, path, averaged=True)

    resumed = make_runner(tmp_path, load_from=path, resume=True, custom_hooks=[hook])
    resumed.train()
    assert torch.equal(resumed.model.layer.weight, first.model.layer.weight)


@pytest.mark.parametrize('value', [float('nan'), float('-inf')])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value, dtype):
    weights = {name: t.to(dtype) for name, t in network().state_dict().items()}
    for name in ('0.bias', '1.module.weight', '1.norm.bias', '1.norm.weight'):
        weights[name].view(-1)[-1] = value
    path = saved(dict(model=weights), tmp_path)
    with pytest.raises(CheckpointError) as caught:
        CheckpointLoader.load_checkpoint(path)
    said = str(caught.value)
    assert path in said and '4 of 9' in said and '1 more' in said
    # In the order of the file.
    assert re.search(r'0\.bias, 1\.module\.weight, 1\.norm\.weight and', said)


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ([torch.ones(1)], 'holds no weights by name, but a list'),
        (torch.ones(1), 'holds no weights by name, but a Tensor'),
        (dict(net=dict(w=torch.ones(1)), epoch=1), 'it has net, epoch'),
        ({}, 'it has nothing'),
        (
            {'a._orig_mod.w': torch.ones(1), 'a.w': torch.ones(1)},
            'two tensors for a.w',
        ),
    ],
)
def test_files_without_weights_are_named(tmp_path, content, words):
    path = saved(content, tmp_path)
    with pytest.raises(CheckpointError, match=words) as caught:
        CheckpointLoader.load_checkpoint(path)
    assert path in str(caught.value)


class Backbone(BaseModule):
    def __init__(self, init_cfg: dict) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(1, 1, 1)


@pytest.mark.parametrize('prefix', [None, 'backbone', 'backbone.'])
def test_a_backbone_is_initialised_by_a_file_of_backbone_names(tmp_path, prefix):
    weights = {'backbone.conv.weight': torch.full((1, 1, 1, 1), 7.0)}
    weights['neck.conv.weight'] = torch.zeros(1)
    init = dict(type='Pretrained', checkpoint=saved(weights, tmp_path), prefix=prefix)
    backbone = Backbone(init)
    backbone.init_weights()
    assert backbone.conv.weight.item() == 7


@pytest.mark.parametrize('prefix', [None, 'trunk.'])
def test_an_initialisation_by_nothing_is_refused(tmp_path, prefix):
    path = saved({'encoder.conv.weight': torch.zeros(1, 1, 1, 1)}, tmp_path)
    backbone = Backbone(dict(type='Pretrained', checkpoint=path, prefix=prefix))
    with pytest.raises(CheckpointError, match='no weight of this Backbone') as caught:
        backbone.init_weights()
    assert path in str(caught.value) and 'encoder.conv.weight' in str(caught.value)


def test_safetensors_are_written_and_read(tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    source = tmp_path / 'weights.pth'
    weights = wrapped().half().state_dict()
    torch.save(
        dict(model=weights, meta=dict(dataset_meta=dict(classes=('cat', 'dog')))),
        source,
    )
    out = tmp_path / 'new' / 'weights.safetensors'
    converter = Path(__file__).parents[2] / 'tools/model_converters/weights.py'
    convert = runpy.run_path(str(converter))['main']
    assert convert([str(source), '--out', str(out), '--dtype', 'bfloat16']) == 0
    # By the library itself: names and bytes are those of the network.
    for name, value in safetensors.load_file(out).items():
        expected = network().half().bfloat16().state_dict()[name]
        assert value.dtype == expected.dtype and torch.equal(value, expected)
    read = CheckpointLoader.load_checkpoint(str(out), map_location='cpu')
    assert read['meta'] == dict(dataset_meta=dict(classes=['cat', 'dog']))
    network().load_state_dict(read['state_dict'])
    out.write_bytes(out.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=r'weights\.safetensors is damaged'):
        CheckpointLoader.load_checkpoint(str(out))


def test_safetensors_without_the_package_say_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / 'weights.safetensors'
    path.write_bytes((2).to_bytes(8, 'little') + b'{}')
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    with pytest.raises(CheckpointError, match=r'weights\.safeten.* pip install safet'):
        CheckpointLoader.load_checkpoint(str(path))
