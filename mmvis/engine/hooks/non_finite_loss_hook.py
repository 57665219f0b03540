"""Stop training when a loss is no longer a number."""

import math

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmvis.engine.errors import NonFiniteLossError
from mmvis.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop at the first iteration whose loss is NaN or infinite, and say which loss.

    On a GPU, reading a loss makes the host wait for the device. So a small record of
    the first bad iteration is kept on the device by tensor operations alone and read
    every ``interval`` iterations, and before any checkpoint is written: training may go
    on for up to ``interval - 1`` iterations, but weights that such a loss has spoilt
    are never saved, and the message names the iteration in which it happened. On a CPU
    every iteration is read.

    Entries of the model's loss dict count as losses when their name contains "loss";
    an accuracy may be NaN (0 of 0).

    Args:
        interval (int): iterations between two readings on a GPU.
    """

    # The checkpoint hook (VERY_LOW) and the logger come after this one.
    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(
                f'NonFiniteLossHook: interval is {interval}; it must be >= 1.'
            )
        self.interval = interval
        self._names: tuple[str, ...] = ()
        # (1 + number of names,) int64 on the losses' device: the first bad iteration or
        # -1, and for every loss whether it was bad there.
        self._record: Tensor | None = None

    def before_train(self, runner: Runner) -> None:
        """Forget what an earlier run left."""
        self._names, self._record = (), None

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | list | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Take note of this iteration's losses; read the record when it is time."""
        losses = {n: value for n, value in (outputs or {}).items() if 'loss' in n}
        if not losses:
            return
        names = tuple(losses)
        if names != self._names:
            self._read(runner)
            self._names, self._record = names, None
        self._note(list(losses.values()), runner.iter + 1)
        on_gpu = self._record is not None and self._record.is_cuda
        if not on_gpu or (runner.iter + 1) % self.interval == 0:
            self._read(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Read before the epoch's validation."""
        self._read(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Read before anything is written."""
        self._read(runner)

    def _note(self, values: list[Tensor | float], iteration: int) -> None:
        """Fold one iteration into the record without reading it."""
        device = next((v.device for v in values if isinstance(v, Tensor)), None)
        # torch.full fills on the device; torch.tensor would copy, and wait.
        finite = [
            torch.isfinite(value.detach()).all()
            if isinstance(value, Tensor)
            else torch.full((), math.isfinite(value), device=device)
            for value in values
        ]
        bad = ~torch.stack(finite)
        now = torch.cat([torch.full((1,), iteration, device=device), bad.long()])
        if self._record is None:
            self._record = torch.full_like(now, -1)
        takes_over = (self._record[0] < 0) & bad.any()
        self._record = torch.where(takes_over, now, self._record)

    def _read(self, runner: Runner) -> None:
        """Raise if the record holds a bad iteration."""
        if self._record is None:
            return
        iteration, *bad = self._record.tolist()
        if iteration < 0:
            return
        names = [name for name, is_bad in zip(self._names, bad, strict=True) if is_bad]
        # The sum is bad whenever a part of it is, and says nothing more.
        parts = [name for name in names if name != 'loss'] or names
        raise NonFiniteLossError(
            f'Training stopped: {", ".join(parts)} became NaN or infinite in iteration '
            f'{iteration} (epoch {runner.epoch + 1}, rank {runner.rank}). No '
            f'checkpoint was written after that; {runner.work_dir} has the earlier '
            'ones. Usual causes: a learning rate too high for the batch size, no '
            'warm-up, or broken annotations.'
        )
