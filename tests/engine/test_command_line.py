"""What the scripts do with their arguments, and with a user's mistakes."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from processes import run_apart, run_bounded
from torch.utils.data import DataLoader, Dataset

from mmvis.datasets.transforms import LoadVISFrame
from mmvis.engine.checkpoint import CheckpointError, load_checkpoint_file
from mmvis.engine.command_line import (
    CommandError,
    find_values,
    load_config,
    make_parser,
    naming_config_keys,
    run_command,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / 'small.py'
    path.write_text("a = dict(b=1, c=[dict(d='x'), dict(d='y')])\nwork_dir = None\n")
    return path


def parse(*words: object):
    return make_parser('A script.').parse_args([str(word) for word in words])


def test_options_and_work_dir(config_file):
    config = load_config(parse(config_file, '--cfg-options', 'a.b=2', 'a.c.1.d=z'))
    assert config.a.b == 2 and config.a.c[1].d == 'z'
    assert config.work_dir == 'work_dirs/small'
    assert config.launcher == 'none'
    config = load_config(parse(config_file, '--work-dir', 'w', '--launcher', 'pytorch'))
    assert config.work_dir == 'w' and config.launcher == 'pytorch'


def test_dumped_config_does_not_take_the_config_name(config_file):
    """A work dir in a checkout must not hide the config from mim."""
    assert Path(load_config(parse(config_file)).filename).name != config_file.name


@pytest.mark.parametrize('word', ['--local_rank=3', '--local-rank=3'])
def test_launchers_of_torch_are_understood(config_file, word, monkeypatch):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    args = parse(config_file, word)
    assert args.local_rank == 3


def test_missing_config_is_named(tmp_path):
    with pytest.raises(CommandError, match=r'no\.py does not exist'):
        load_config(parse(tmp_path / 'no.py'))


def test_data_root_moves_the_sets_that_stood_there(tmp_path):
    path = tmp_path / 'sets.py'
    path.write_text(
        "data_root = 'a/'\nx = [dict(data_root='a/'), dict(data_root='b/')]\n"
    )
    config = load_config(parse(path, '--cfg-options', 'data_root=c/'))
    assert [entry.data_root for entry in config.x] == ['c/', 'b/']
    path.write_text(
        "data_root_b = 'b/'\nx = [dict(data_root='a/'), dict(data_root='b/')]\n"
    )
    config = load_config(parse(path, '--cfg-options', 'data_root_b=c/'))
    assert [entry.data_root for entry in config.x] == ['a/', 'c/']
    # A config without such a variable has nothing to move.
    path.write_text("x = [dict(data_root='b/'), dict(n=1)]\n")
    config = load_config(parse(path, '--cfg-options', 'data_root=c/'))
    assert config.x == [dict(data_root='b/'), dict(n=1)]


def test_config_keys_of_weights_are_named():
    config = Config(dict(model=dict(n=[dict(checkpoint='u')]), load_from='u', x='v'))
    assert list(find_values(config, 'u')) == ['model.n.0.checkpoint', 'load_from']
    with (
        pytest.raises(CheckpointError, match=r'Gone\. Here KEY is model\.n\.0\.check'),
        naming_config_keys(config),
    ):
        raise CheckpointError('Gone.', source='u')


def raised_by_mmvis():
    load_checkpoint_file('/no/such/file.pth')


@pytest.mark.parametrize(
    ('main', 'sentence'),
    [
        (raised_by_mmvis, 'file.pth'),
        (lambda: Path('/no/such.json').read_text(), '/no/such.json does not exist'),
    ],
)
def test_user_errors_end_with_one_sentence(main, sentence, monkeypatch):
    monkeypatch.delenv('MMVIS_TRACEBACK', raising=False)
    with pytest.raises(SystemExit) as caught:
        run_command(main)
    assert sentence in str(caught.value.code)
    assert '\n' not in str(caught.value.code)
    monkeypatch.setenv('MMVIS_TRACEBACK', '1')
    with pytest.raises((CheckpointError, FileNotFoundError)):
        run_command(main)


class Items(Dataset):
    """One item, which cannot be made."""

    def __init__(self, make: Callable) -> None:
        self.make = make

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> object:
        return self.make()


def read_no_frame() -> object:
    frame = dict(img_path='/no/frame.png', frame_id=3, video_id=7)
    return LoadVISFrame().transform(frame)


def divide_by_zero() -> float:
    return 1 / 0


def _said_by_worker(_, make: Callable) -> tuple[str, str]:
    """How a command ends whose data worker fails: the error's type and words."""
    os.environ.pop('MMVIS_TRACEBACK', None)
    try:
        run_command(lambda: list(DataLoader(Items(make), num_workers=1)))
    except BaseException as error:
        return type(error).__name__, str(error)


def test_errors_of_data_workers_are_sentences_too(tmp_path):
    [(kind, said)] = run_apart(_said_by_worker, read_no_frame, folder=tmp_path)
    assert kind == 'SystemExit'
    assert "error: Frame 3 of video 7, '/no/frame.png', does not exist" in said
    assert '\n' not in said
    [(kind, said)] = run_apart(_said_by_worker, divide_by_zero, folder=tmp_path)
    assert kind == 'ZeroDivisionError' and 'Original Traceback' in said


def test_bugs_keep_their_trace():
    def divide() -> None:
        raise ZeroDivisionError

    def outside() -> None:
        raise ValueError('not of mmvis')

    with pytest.raises(ZeroDivisionError):
        run_command(divide)
    with pytest.raises(ValueError, match='not of mmvis'):
        run_command(outside)


@pytest.mark.full
@pytest.mark.parametrize(
    ('script', 'words', 'sentence'),
    [
        ('train.py', ['no_config.py'], 'The config no_config.py does not exist'),
        ('train.py', ['{tiny}', '--resume', 'no.pth'], 'checkpoint no.pth does not'),
        ('train.py', ['{tiny}', '--seed=-1'], '--seed is a whole number from 0'),
        ('train.py', ['{tiny}'], 'instances.json'),
        ('train.py', ['{tiny}', '--auto-scale-lr'], 'auto_scale_lr.base_batch_size'),
        pytest.param(
            *('train.py', ['{tiny}', '--amp'], '--amp needs a GPU'),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason='has a GPU'),
        ),
        ('test.py', ['{tiny}', 'no.pth'], 'The checkpoint no.pth does not exist'),
    ],
)
def test_scripts_answer_mistakes_without_a_trace(tmp_path, script, words, sentence):
    tiny = ROOT / 'configs/tiny/masktrack_rcnn_tiny_synthvis.py'
    command = [sys.executable, ROOT / 'tools' / script]
    command += [word.format(tiny=tiny) for word in words]
    done = run_bounded(command, cwd=tmp_path)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert sentence in done.stderr.strip().splitlines()[-1]
