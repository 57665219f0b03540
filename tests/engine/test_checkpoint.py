"""The checkpoint loader reads what runners write and runs nothing that a file says."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from torch.utils.data import DataLoader
from toy_runner import ToyMetric, ToyModel, collate, make_runner

from mmvis.engine.checkpoint import CheckpointError, load_checkpoint_file


class Hostile:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (exec, (f'open({str(self.path)!r}, "w").close()',))


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint with a hostile entry, and the file that it would make."""
    mark, path = tmp_path / 'executed', tmp_path / 'hostile.pth'
    state = ToyModel().state_dict()
    torch.save(dict(state_dict=state, meta=dict(epoch=1), extra=Hostile(mark)), path)
    torch.load(path, weights_only=False)
    assert mark.exists(), 'the file of this test is not hostile'
    mark.unlink()
    return path, mark


def test_hostile_file_is_refused_by_load_from(hostile, tmp_path):
    path, mark = hostile
    runner = make_runner(tmp_path, load_from=str(path))
    with pytest.raises(CheckpointError, match=r'hostile.pth.*exec.*plain weights'):
        runner.train()
    assert not mark.exists()


def test_hostile_file_is_refused_by_resume(hostile, tmp_path):
    path, mark = hostile
    runner = make_runner(tmp_path, load_from=str(path), resume=True)
    with pytest.raises(CheckpointError, match='exec'):
        runner.train()
    assert not mark.exists()


def test_hostile_file_is_refused_by_auto_resume(hostile, tmp_path):
    path, mark = hostile
    (tmp_path / 'last_checkpoint').write_text(str(path))
    with pytest.raises(CheckpointError, match='exec'):
        make_runner(tmp_path, resume=True).train()
    assert not mark.exists()


def test_hostile_file_is_refused_by_init_cfg(hostile):
    path, mark = hostile
    model = ToyModel(init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    with pytest.raises(CheckpointError, match='exec'):
        model.init_weights()
    assert not mark.exists()


def test_hostile_download_is_refused(hostile, tmp_path, monkeypatch):
    path, mark = hostile
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    with pytest.raises(CheckpointError, match='exec'):
        CheckpointLoader.load_checkpoint(_downloaded(monkeypatch, path))
    assert not mark.exists()


def _downloaded(monkeypatch: pytest.MonkeyPatch, path: Path) -> str:
    """An address that "downloads" ``path``."""

    def copy(url: str, target: str, **kwargs) -> None:
        Path(target).write_bytes(path.read_bytes())

    monkeypatch.setattr(torch.hub, 'download_url_to_file', copy)
    return 'https://example.org/weights.pth'


@pytest.mark.parametrize('variable', ['', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'])
@pytest.mark.parametrize(
    ('owner', 'name'), [(HistoryBuffer, '__init__'), (np.ndarray, 'mean')]
)
def test_getattr_in_a_file_reaches_only_statistics(
    tmp_path, monkeypatch, variable, owner, name
):
    if variable:
        monkeypatch.setenv(variable, '1')

    class Reach:
        def __reduce__(self) -> tuple:
            return (getattr, (owner, name))

    path = tmp_path / 'reach.pth'
    torch.save(dict(x=Reach()), path)
    with pytest.raises(CheckpointError, match=rf'getattr\(.*{name}'):
        load_checkpoint_file(path)


def test_every_scheme_of_mmengine_is_ours():
    for prefix, loader in CheckpointLoader._schemes.items():
        assert loader.__module__ == 'mmvis.engine.checkpoint', prefix


def test_runner_checkpoint_loads_and_resumes(tmp_path):
    """Message hub, history buffers, numpy scalars, EMA, optimizer and schedulers."""
    settings = dict(
        val_dataloader=DataLoader([torch.ones(2)], collate_fn=collate),
        val_cfg=dict(),
        val_evaluator=[ToyMetric(prefix='toy')],
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=3),
            dict(type='MultiStepLR', milestones=[1], by_epoch=True),
            dict(type='CosineAnnealingLR', T_max=2, by_epoch=True),
        ],
        custom_hooks=[dict(type='EMAHook', ema_type='ExponentialMovingAverage')],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(
                type='CheckpointHook', interval=1, save_best='toy/value', rule='greater'
            ),
        ),
    )
    first = make_runner(tmp_path, **settings)
    first.train()

    raw = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    loaded = load_checkpoint_file(tmp_path / 'epoch_1.pth')
    assert set(loaded) == set(raw)
    assert loaded['message_hub']['runtime_info'] == raw['message_hub']['runtime_info']
    buffer = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(buffer, HistoryBuffer) and len(buffer.data[0]) == 4
    expected = raw['message_hub']['log_scalars']['train/loss']
    np.testing.assert_array_equal(buffer.data[0], expected.data[0])
    assert buffer.mean() == expected.mean()
    assert 'ema_state_dict' in loaded

    resumed = make_runner(
        tmp_path, load_from=str(tmp_path / 'epoch_1.pth'), resume=True, **settings
    )
    resumed.train()
    assert resumed.epoch == 2
    for name, value in first.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value)


@pytest.mark.parametrize('core', ['numpy.core', 'numpy._core'])
def test_scalars_of_either_numpy_load(tmp_path, core):
    """A protocol 2 pickle names the functions of the numpy that wrote it."""
    path = tmp_path / 'scalars.pth'
    values = [np.float32(0.1), np.int64(-3), np.bool_(True), np.array([1.5, 2.5])]
    # The older format of torch.save is a plain pickle, in which names can be replaced.
    torch.save(values, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    content = re.sub(rb'numpy\._?core', core.encode(), content)
    path.write_bytes(content)
    assert core.encode() in path.read_bytes()
    loaded = load_checkpoint_file(path)
    for value, original in zip(loaded, values, strict=True):
        np.testing.assert_array_equal(value, original)
        assert value.dtype == original.dtype


@pytest.mark.parametrize(
    ('content', 'word'),
    [
        (b'', 'damaged'),
        (b'<html>404</html>', 'damaged'),
        (b'version https://git-lfs.github.com/spec/v1', 'damaged'),
        (pickle.dumps(dict(a=1), protocol=4), 'damaged'),
    ],
)
@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
def test_what_is_no_checkpoint_is_named(tmp_path, content, word):
    path = tmp_path / 'weights.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf'weights\.pth is {word}') as caught:
        CheckpointLoader.load_checkpoint(str(path))
    assert '\n' not in str(caught.value)
    # torch advises to read such a file unsafely.
    assert 'weights_only' not in str(caught.value)


def test_truncated_checkpoint_is_named(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(ToyModel().state_dict(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match='damaged'):
        load_checkpoint_file(path)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r'no\.pth does not exist'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'no.pth'))
    with pytest.raises(CheckpointError, match='is a folder'):
        CheckpointLoader.load_checkpoint(str(tmp_path))


def test_failed_download_names_address_and_option(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))

    def fail(*args, **kwargs) -> None:
        raise OSError('no route to host')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    address = 'https://example.org/resnet50.pth'
    model = ToyModel(init_cfg=dict(type='Pretrained', checkpoint=address))
    with pytest.raises(CheckpointError, match='no route to host') as caught:
        model.init_weights()
    assert address in str(caught.value)
    assert 'init_cfg.checkpoint' in str(caught.value)


@pytest.mark.parametrize('scheme', ['torchvision', 'modelzoo', 'mmcls', 'pavi'])
def test_unsupported_schemes_are_refused(scheme):
    with pytest.raises(CheckpointError, match=f'{scheme}://resnet50 needs torchvision'):
        CheckpointLoader.load_checkpoint(f'{scheme}://resnet50')


def test_openmmlab_names_are_resolved(tmp_path, monkeypatch):
    path = tmp_path / 'weights.pth'
    torch.save(ToyModel().state_dict(), path)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    asked = []

    def copy(url: str, target: str, **kwargs) -> None:
        asked.append(url)
        Path(target).write_bytes(path.read_bytes())

    monkeypatch.setattr(torch.hub, 'download_url_to_file', copy)
    name = 'open-mmlab://detectron2/resnet50_caffe'
    assert set(CheckpointLoader.load_checkpoint(name)) == set(ToyModel().state_dict())
    assert len(asked) == 1 and asked[0].startswith('https://')
    with pytest.raises(CheckpointError, match='no weights named'):
        CheckpointLoader.load_checkpoint('open-mmlab://nothing')
