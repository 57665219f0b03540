"""A loss that is no number stops training before it reaches a saved checkpoint."""

import math

import pytest
import torch
from toy_runner import ToyModel, make_runner

from mmvis.engine.checkpoint import load_checkpoint_file
from mmvis.engine.hooks.non_finite_loss_hook import (
    NonFiniteLossError,
    NonFiniteLossHook,
)

SAVE_EACH = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1))


def train(work_dir, losses, hook=None, **kwargs):
    """Train the toy model for two epochs of four iterations."""
    runner = make_runner(
        work_dir,
        ToyModel(losses),
        custom_hooks=[hook or dict(type='NonFiniteLossHook')],
        **kwargs,
    )
    runner.train()
    return runner


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_stops_with_iteration_and_loss(tmp_path, value):
    with pytest.raises(NonFiniteLossError) as caught:
        train(tmp_path, {3: dict(loss_b=value)}, default_hooks=SAVE_EACH)
    message = str(caught.value)
    assert 'loss_b became NaN or infinite in iteration 3 (epoch 1' in message
    assert 'loss_a' not in message and '\n' not in message
    saved = sorted(path.name for path in tmp_path.glob('*.pth'))
    assert saved == ['iter_1.pth', 'iter_2.pth']
    for name in saved:
        weights = load_checkpoint_file(tmp_path / name)['state_dict']
        assert all(torch.isfinite(weight).all() for weight in weights.values())


def test_second_epoch_and_both_losses(tmp_path):
    losses = {6: dict(loss_a=math.nan, loss_b=math.inf)}
    with pytest.raises(NonFiniteLossError, match=r'loss_a, loss_b .* 6 \(epoch 2'):
        train(tmp_path, losses)


def test_finite_losses_and_other_values_pass(tmp_path):
    losses = {2: dict(acc=math.nan, loss_a=1e30)}
    assert train(tmp_path, losses).iter == 8


class LateHook(NonFiniteLossHook):
    """Reads like on a GPU: at the interval, and where it must."""

    reads = 0

    def _note(self, values, iteration):
        super()._note(values, iteration)
        self._record = Late(self._record)

    def _read(self, runner):
        self.reads += self._record is not None
        super()._read(runner)


class Late(torch.Tensor):
    """A tensor of the host that says it is on a GPU."""

    @staticmethod
    def __new__(cls, tensor):
        return torch.Tensor._make_subclass(cls, torch.as_tensor(tensor))

    @property
    def is_cuda(self):
        return True


def test_late_reading_names_the_first_bad_iteration(tmp_path):
    """After iteration 2 the weights are NaN, so every loss is; b began it."""
    hook = LateHook(interval=8)
    losses = {2: dict(loss_b=math.nan)}
    with pytest.raises(NonFiniteLossError, match=r': loss_b became .* iteration 2 '):
        train(tmp_path, losses, hook)


def test_late_reading_comes_before_a_checkpoint(tmp_path):
    hook = LateHook(interval=1000)
    checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=3)
    losses = {2: dict(loss_a=math.nan)}
    with pytest.raises(NonFiniteLossError, match='iteration 2'):
        train(tmp_path, losses, hook, default_hooks=dict(checkpoint=checkpoint))
    assert not list(tmp_path.glob('*.pth'))


def test_late_reading_is_rare(tmp_path):
    """Eight iterations, interval 5: one reading, and one at each epoch's end."""
    hook = LateHook(interval=5)
    nothing_saved = dict(type='CheckpointHook', interval=100, save_last=False)
    train(tmp_path, {}, hook, default_hooks=dict(checkpoint=nothing_saved))
    assert hook.reads == 3


def test_losses_may_come_and_go():
    """A loss that only some batches have does not mix the names up."""
    hook, runner = NonFiniteLossHook(), FakeRunner()
    one, nan = torch.tensor(1.0), torch.tensor(math.nan)
    hook.after_train_iter(runner, 0, outputs=dict(loss_a=one))
    hook.after_train_iter(runner, 1, outputs=dict(loss_b=0.5, loss_a=one))
    hook.after_train_iter(runner, 2, outputs=dict())
    with pytest.raises(NonFiniteLossError, match=': loss_b became'):
        hook.after_train_iter(runner, 3, outputs=dict(loss_b=nan, loss_a=one))


class FakeRunner:
    """What the hook reads of a runner."""

    iter = 0
    epoch = 0
    rank = 0
    work_dir = 'work'


def test_interval_must_be_positive():
    with pytest.raises(ValueError, match='interval is 0'):
        NonFiniteLossHook(interval=0)
