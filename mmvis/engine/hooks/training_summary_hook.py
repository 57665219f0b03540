"""Five lines before a training, and how long it will take soon after it began."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmvis.registry import HOOKS
from mmvis.version import __version__

# Iterations that an estimate is made of; the first one is slower than all others.
TIMED = 5


@HOOKS.register_module()
class TrainingSummaryHook(Hook):
    """Say what is trained on what, and after some iterations how long it will take.

    mmengine logs an estimate with the losses only, which may be the first time after
    many minutes on a CPU. The runner of mmvis has this hook without being told.
    """

    priority = 'LOW'

    def __init__(self) -> None:
        self._begin: tuple[int, float] | None = None
        self._said = False

    def before_train(self, runner: Runner) -> None:
        """The five lines."""
        self._begin, self._said = None, False
        for line in summary(runner):
            runner.logger.info(line)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Count from the end of the first iteration on."""
        if self._said or not is_main_process():
            return
        now = time.monotonic()
        if self._begin is None:
            self._begin = runner.iter, now
            return
        done = runner.iter - self._begin[0]
        if done < TIMED:
            return
        self._said = True
        each = (now - self._begin[1]) / done
        left = runner.max_iters - runner.iter - 1
        runner.logger.info(
            f'About {datetime.timedelta(seconds=round(each * left))} to go: {left:,} '
            f'iterations of {each:.2f} s, by the first {done}; validation comes on top.'
        )


def summary(runner: Runner) -> Iterator[str]:
    """What a training is of: model, data, schedule, machine and files."""
    model = getattr(runner.model, 'module', runner.model)
    weights = sum(p.numel() for p in model.parameters() if p.requires_grad)
    dataset: Any = runner.train_loop.dataloader.dataset
    meta = getattr(dataset, 'metainfo', None) or {}
    classes = list(meta.get('classes') or ())
    listed = ', '.join(classes[:8]) + (', ...' if len(classes) > 8 else '')
    start = f', from {runner._load_from}' if runner._load_from else ''
    yield (
        f'Model: {type(model).__name__}, {weights / 1e6:.2f} million weights to train'
        f'{start}; {len(classes)} classes{f" ({listed})" if listed else ""}; seed '
        f'{runner.seed}.'
    )
    frames = getattr(dataset, 'num_all_imgs', None)
    batch = getattr(runner.train_loop.dataloader, 'batch_size', None)
    yield (
        f'Data: {len(dataset):,} videos'
        f'{"" if frames is None else f" of {frames:,} frames"} of '
        f'{meta.get("ann_file", type(dataset).__name__)}; batches of {batch}'
        f'{f" on {get_world_size()} processes" if get_world_size() > 1 else ""}.'
    )
    yield f'Schedule: {_schedule(runner)}.'
    device = next(model.parameters()).device
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'
    threads = '' if device.type == 'cuda' else f', {torch.get_num_threads()} threads'
    yield f'Machine: {name}{threads}; mmvis {__version__}, torch {torch.__version__}.'
    files = [h for h in runner.logger.handlers if isinstance(h, logging.FileHandler)]
    log = (
        f'; environment, config and hooks are in {files[0].baseFilename}'
        if files
        else ''
    )
    yield f'Files: {runner.work_dir}{log}.'


def _schedule(runner: Runner) -> str:
    by_iteration = isinstance(runner.train_loop, IterBasedTrainLoop)
    unit = 'iterations' if by_iteration else 'epochs'
    count = runner.max_iters if by_iteration else runner.max_epochs
    said = f'{count:,} {unit}'
    if not by_iteration:
        said += f' of {len(runner.train_loop.dataloader):,} iterations'
    if runner.val_loop is not None:
        said += f', validated every {runner.train_loop.val_interval:,}'
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and hook.interval > 0:
            every = 'epochs' if hook.by_epoch else 'iterations'
            said += f', saved every {hook.interval:,} {every}'
            break
    if runner.iter:
        said += f'; {runner.iter:,} iterations are done'
    return said
