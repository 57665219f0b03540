"""mmengine's runner, made to be stopped at any time, and to run anywhere."""

from __future__ import annotations

import contextlib
from typing import Any

from mmengine.device import get_device
from mmengine.dist import is_distributed, is_main_process
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch import nn
from torch.utils.data import DataLoader

from mmvis.registry import RUNNERS

from .data_workers import end_with_training
from .errors import CheckpointError
from .hooks.preemption_hook import PreemptionHook
from .hooks.random_state_hook import RandomStateHook
from .hooks.training_summary_hook import TrainingSummaryHook
from .loops import PROGRESS, sampler_of
from .ranks import join_ranks
from .terminal_log import shorten_terminal
from .work_dir import only_training_in, resumable


@RUNNERS.register_module()
class VISRunner(Runner):
    """A runner whose training goes on after a stop as if there had been none.

    ``tools/train.py`` and ``tools/test.py`` build it unless a config has a
    ``runner_type`` of its own.
    """

    def register_hooks(self, *args: Any, **kwargs: Any) -> None:
        """Add what stopping and going on need, and the summary."""
        super().register_hooks(*args, **kwargs)
        for kind in (RandomStateHook, PreemptionHook, TrainingSummaryHook):
            if not any(isinstance(hook, kind) for hook in self.hooks):
                self.register_hook(kind())

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """mmengine's, without hundreds of lines on the terminal."""
        logger = super().build_logger(*args, **kwargs)
        shorten_terminal(logger)
        return logger

    def setup_env(self, env_cfg: dict) -> None:
        """Join the other ranks, on GPUs or CPUs, before mmengine would on GPUs."""
        if self.distributed and not is_distributed():
            settings = env_cfg.get('mp_cfg', {})
            set_multi_processing(**settings, distributed=True)
            join_ranks(self.launcher, env_cfg.get('dist_cfg', {}))
        super().setup_env(env_cfg)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, *args: Any, **kwargs: Any
    ) -> DataLoader:
        """As mmengine's; the workers do not outlive the training."""
        loader = Runner.build_dataloader(dataloader, *args, **kwargs)
        if loader is not dataloader:
            end_with_training(loader)
        return loader

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """As mmengine's, which has DistributedDataParallel look for a GPU.

        A model without anything to train, which that refuses, is not wrapped.
        """
        if self.distributed and not any(p.requires_grad for p in model.parameters()):
            return model.to(get_device())
        if self.distributed and get_device() == 'cpu':
            if model_wrapper_cfg is None:
                model_wrapper_cfg = dict(
                    broadcast_buffers=False,
                    find_unused_parameters=self.cfg.get(
                        'find_unused_parameters', False
                    ),
                )
            kind = model_wrapper_cfg.setdefault('type', 'MMDistributedDataParallel')
            if str(kind).rpartition('.')[2] == 'MMDistributedDataParallel':
                model_wrapper_cfg.setdefault('device_ids', None)
        return super().wrap_model(model_wrapper_cfg, model)

    def train(self) -> nn.Module:
        """Train, as the only one in the work dir."""
        held = only_training_in(self.work_dir) if is_main_process() else None
        with held or contextlib.nullcontext():
            return super().train()

    def load_or_resume(self) -> None:
        """As mmengine's, but go back past checkpoints that cannot be read."""
        if self._has_loaded or not self._resume or self._load_from is not None:
            super().load_or_resume()
            return
        failures: list[CheckpointError] = []
        for path in resumable(self.work_dir):
            try:
                self.resume(path)
            except CheckpointError as error:
                self.logger.warning(f'{error} Looking for an earlier checkpoint.')
                failures.append(error)
            else:
                return
        if failures:
            raise failures[0]
        self.logger.warning(
            f'{self.work_dir} has no checkpoint to go on from: training begins anew.'
        )

    def load_checkpoint(self, filename: str, *args: Any, **kwargs: Any) -> dict:
        """Load weights; keep in mind how far the training had come."""
        checkpoint = super().load_checkpoint(filename, *args, **kwargs)
        self._progress = checkpoint.get(PROGRESS)
        return checkpoint

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Call the hooks; look at what is loaded and saved on the way."""
        checkpoint = kwargs.get('checkpoint')
        if fn_name == 'after_load_checkpoint' and self._resume and self._train_loop:
            # Before anything is changed by it.
            _refuse_weights_alone(checkpoint)
        progress = getattr(self._train_loop, 'progress', None)
        if fn_name == 'before_save_checkpoint' and progress is not None:
            kwargs['checkpoint'][PROGRESS] = progress.state_dict()
        super().call_hook(fn_name, **kwargs)

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Go on from a checkpoint: also where in the data it was, in its order."""
        try:
            super().resume(filename, *args, **kwargs)
        except CheckpointError as error:
            if filename in str(error):
                raise
            raise CheckpointError(f'{filename} {error}') from None
        loop = self.train_loop
        sampler = sampler_of(loop.dataloader)
        if hasattr(sampler, 'seed'):
            # The loader was built before the checkpoint's seed was known.
            sampler.seed = self.seed
        if hasattr(loop, 'progress'):
            whole = loop.epoch * len(loop.dataloader) if loop.epoch else 0
            within = max(loop.iter - whole, 0)
            loop.progress.load(self._progress, loop.iter, within)


def _refuse_weights_alone(checkpoint: Any) -> None:
    meta = checkpoint.get('meta') or {}
    lacks = [key for key in ('epoch', 'iter') if key not in meta]
    lacks += [key for key in ('message_hub', 'optimizer') if key not in checkpoint]
    if lacks:
        raise CheckpointError(
            f'has no {", ".join(lacks)}: these are weights to start from (load_from), '
            'no training to go on with.'
        )
