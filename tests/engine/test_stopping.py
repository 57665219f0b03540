"""What a training leaves when it is stopped, and what another makes of it."""

import os
import signal
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from processes import run_apart
from torch.utils.data import DataLoader
from toy_runner import ToyMetric, ToyModel, collate, make_runner

from mmvis.engine.errors import CheckpointError, CommandError
from mmvis.engine.runner import VISRunner
from mmvis.engine.work_dir import only_training_in


def trained(folder: Path, epochs: int = 3, **settings) -> VISRunner:
    torch.manual_seed(0)
    runner = make_runner(
        folder,
        kind=VISRunner,
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        log_level='WARNING',
        **settings,
    )
    runner.train()
    return runner


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def spoil(path: Path) -> None:
    content = torch.load(path, weights_only=False)
    content['state_dict']['layer.bias'].fill_(float('nan'))
    torch.save(content, path)


@pytest.mark.parametrize(
    ('damage', 'reason'),
    [
        (tear, 'epoch_3.pth is damaged'),
        (spoil, 'epoch_3.pth has NaN'),
        (Path.unlink, 'epoch_3.pth does not exist'),
        (lambda path: path.write_bytes(b''), 'epoch_3.pth is damaged'),
        (
            lambda path: torch.save(ToyModel().state_dict(), path),
            'epoch_3.pth has no epoch, iter, message_hub, optimizer',
        ),
    ],
)
def test_a_bad_last_checkpoint_falls_back_to_the_one_before(
    tmp_path, capfd, damage, reason
):
    trained(tmp_path)
    damage(tmp_path / 'epoch_3.pth')
    runner = trained(tmp_path, epochs=4, resume=True)
    said = ' '.join(capfd.readouterr())
    assert reason in said and 'Looking for an earlier' in said
    # It went on from epoch 2, and made the third again.
    assert runner.model.iteration == 2 * 4
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_4.pth')


def test_an_empty_or_moved_last_checkpoint_is_no_end(tmp_path):
    trained(tmp_path / 'there')
    (tmp_path / 'there').rename(tmp_path / 'here')
    runner = trained(tmp_path / 'here', epochs=4, resume=True)
    assert runner.model.iteration == 4
    (tmp_path / 'here/last_checkpoint').write_text('')
    runner = trained(tmp_path / 'here', epochs=5, resume=True)
    assert runner.model.iteration == 4


def test_where_no_checkpoint_can_be_read_training_does_not_begin_anew(tmp_path):
    trained(tmp_path, epochs=2)
    for path in tmp_path.glob('*.pth'):
        tear(path)
    with pytest.raises(CheckpointError, match=r'epoch_2\.pth is damaged'):
        trained(tmp_path, epochs=3, resume=True)


def test_weights_alone_are_nothing_to_go_on_with(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(ToyModel().state_dict(), path)
    with pytest.raises(CheckpointError, match=rf'{path} has no epoch.*load_from'):
        trained(tmp_path / 'run', load_from=str(path), resume=True)
    # They are to start from.
    trained(tmp_path / 'run', epochs=1, load_from=str(path))


def test_the_only_checkpoint_is_removed_when_the_next_is_there(tmp_path, monkeypatch):
    real, seen = os.replace, []

    def replace(source, target):
        seen.append(sorted(path.name for path in tmp_path.glob('epoch_*')))
        real(source, target)

    monkeypatch.setattr(os, 'replace', replace)
    hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=1))
    trained(tmp_path, epochs=3, default_hooks=hooks)
    assert ['epoch_1.pth'] in seen and ['epoch_2.pth'] in seen and [] in seen
    assert [path.name for path in tmp_path.glob('epoch_*')] == ['epoch_3.pth']


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    """The file system refuses the second checkpoint; a later resume has the first."""
    real, seen = os.fsync, []

    def fsync(file):
        seen.append(file)
        if len(seen) > 1:
            raise OSError(28, 'No space left on device')
        real(file)

    with monkeypatch.context() as full:
        full.setattr(os, 'fsync', fsync)
        with pytest.raises(OSError, match=r'epoch_2\.pth cannot be written: No space'):
            trained(tmp_path)
    assert sorted(path.name for path in tmp_path.glob('*epoch_*')) == ['epoch_1.pth']
    assert trained(tmp_path, epochs=2, resume=True).model.iteration == 4


def hold_and_train(rank: int, folder: Path) -> str:
    try:
        trained(folder)
    except CommandError as error:
        return str(error)
    return 'trained'


def test_two_trainings_in_one_work_dir(tmp_path):
    with only_training_in(tmp_path):
        [said] = run_apart(hold_and_train, tmp_path, folder=tmp_path)
    assert 'Another training is running in' in said and '--work-dir' in said
    trained(tmp_path, epochs=1)


class SignalInValidation(Hook):
    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        os.kill(os.getpid(), signal.SIGTERM)


def test_told_to_end_while_it_validates(tmp_path):
    """The averaged weights, which validation uses, are not taken for the trained."""
    before = signal.getsignal(signal.SIGTERM)
    settings = dict(
        val_dataloader=DataLoader([torch.ones(2)] * 5, collate_fn=collate),
        val_cfg=dict(),
        val_evaluator=[ToyMetric(prefix='toy')],
    )
    ema = dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.5)
    kept = trained(tmp_path / 'kept', 2, custom_hooks=[ema], randomness=dict(seed=0))
    with pytest.raises(SystemExit) as end:
        hooks = [ema, SignalInValidation()]
        trained(tmp_path, 2, custom_hooks=hooks, randomness=dict(seed=0), **settings)
    assert end.value.code == 0
    signal.signal(signal.SIGTERM, before)
    path = (tmp_path / 'last_checkpoint').read_text()
    assert path == str(tmp_path / 'interrupted.pth')
    resumed = trained(
        tmp_path, 2, custom_hooks=[ema], resume=True, randomness=dict(seed=0)
    )
    assert torch.equal(resumed.model.layer.weight, kept.model.layer.weight)
    assert resumed.model.iteration == 4
    assert signal.getsignal(signal.SIGTERM) == before
