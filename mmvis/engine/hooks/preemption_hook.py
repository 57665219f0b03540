"""Save and end when a cluster asks for the machine back."""

import os
import os.path as osp
import signal
import threading
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner

from mmvis.registry import HOOKS

from .checkpoint_hook import gather_random_states

NAME = 'interrupted.pth'
SIGNALS = ('SIGTERM', 'SIGUSR1')


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On SIGTERM or SIGUSR1, save ``interrupted.pth`` and exit with code 0.

    It happens at the end of the iteration, of training or validation, that was under
    way on any rank; where gradients are accumulated, of the last one of a step.
    ``--resume`` goes on from it: of validation nothing is kept, and it is not made up
    for. The runner of mmvis has this hook without being told.
    """

    # After the checkpoint hook: a checkpoint that is due is written first.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._received: str | None = None
        self._owner = 0
        self._before: dict[int, Any] = {}
        self._group: Any = None

    def before_train(self, runner: Runner) -> None:
        """Listen, where this is the process's main thread."""
        self._received, self._owner = None, os.getpid()
        if get_world_size() > 1:
            self._group = dist.new_group(backend='gloo')
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                if hasattr(signal, name):
                    number = getattr(signal, name)
                    self._before[number] = signal.signal(number, self._receive)

    def after_train(self, runner: Runner) -> None:
        """Listen no longer."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() == self._owner:
            self._received = signal.Signals(number).name
        else:
            # Of a fork that has nothing to save: what it would be without this. Data
            # workers have handlers of their own, see ``data_workers``.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """End after this iteration, where one of the ranks was told to."""
        steps = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        if self._is_told() and (runner.iter + 1) % steps == 0:
            epoch = runner.epoch
            self._save_and_end(runner, dict(epoch=epoch, iter=runner.iter + 1))

    def after_val_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """End in the middle of a validation of a training."""
        # Ranks have different numbers of clips: each ends when it is told itself.
        if self._before and self._received and get_world_size() == 1:
            for hook in runner.hooks:
                if isinstance(hook, EMAHook) and hook._ema_started(runner):
                    hook._swap_ema_parameters()
            self._save_and_end(runner, dict(epoch=runner.epoch, iter=runner.iter))

    def _is_told(self) -> bool:
        if self._group is None:
            return self._received is not None
        told = torch.tensor(int(self._received is not None))
        dist.all_reduce(told, op=dist.ReduceOp.MAX, group=self._group)
        return bool(told)

    def _save_and_end(self, runner: Runner, meta: dict) -> None:
        gather_random_states(runner)
        runner.save_checkpoint(runner.work_dir, NAME, meta=meta, by_epoch=False)
        if is_main_process():
            path = osp.join(runner.work_dir, NAME)
            with open(osp.join(runner.work_dir, 'last_checkpoint'), 'w') as file:
                file.write(path)
            told_by = self._received or 'a signal to another rank'
            runner.logger.warning(
                f'Ended by {told_by}: saved {path} after iteration '
                f'{meta["iter"]}. --resume goes on from it.'
            )
        _end_workers(runner)
        raise SystemExit(0)


def _end_workers(runner: Runner) -> None:
    """Data workers end when they are told, and not by a signal that they wait out."""
    for loop in (runner._train_loop, runner._val_loop):
        loader = getattr(loop, 'dataloader', None)
        batches = getattr(loop, 'dataloader_iterator', None)
        for owner in (loader, batches):
            iterator = getattr(owner, '_iterator', None)
            end = getattr(iterator, '_shutdown_workers', None)
            if end is not None:
                end()
