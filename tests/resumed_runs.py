"""A small training that is killed and resumed: real data, workers, dropout."""

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from data_factory import make_vis_dataset
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from torch import Tensor, nn
from toy_runner import ToyMetric

from mmvis.engine.runner import VISRunner

ITERATIONS = 9


class NoisyModel(BaseModel):
    """Draws in every iteration from all three generators."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5, stride=4)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, inputs: list[Tensor], data_samples: list, mode: str) -> Any:
        if mode != 'loss':
            torch.rand(3), np.random.rand(), random.random()
            return data_samples
        frames = torch.cat(list(inputs)).float() / 255
        features = self.norm(self.conv(frames))
        features = nn.functional.dropout(features)
        return dict(
            loss=(features * np.random.rand() + random.random()).square().mean()
        )


class Record(Hook):
    """Appends each loss to a file, and to what was drawn of the data."""

    priority = 'VERY_HIGH'

    def __init__(self, path: Path) -> None:
        self.path = path

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        data = sum(float(frames.double().mean()) for frames in data_batch['inputs'])
        with self.path.open('a') as file:
            file.write(f'{runner.iter} {outputs["loss"].item().hex()} {data.hex()}\n')


class Act(Hook):
    """Does something to this process after an iteration."""

    priority = 'VERY_HIGH'

    def __init__(self, iteration: int, act: Any) -> None:
        self.iteration, self.act = iteration, act

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter + 1 == self.iteration:
            self.act()


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def make_runner(folder: Path, work_dir: Path, by_epoch: bool, **settings) -> VISRunner:
    data = folder / 'data'
    if not data.exists():
        data.mkdir()
        make_vis_dataset(data, lengths=(5, 4, 3), size=(24, 32))
    pipeline = [
        dict(type='RefFrameSample', frame_range=5),
        dict(
            type='TransformBroadcaster',
            share_random_params=True,
            transforms=[
                dict(type='LoadVISFrame'),
                dict(type='LoadVISAnnotations', with_mask=True),
                dict(type='RandomFlip', prob=0.5),
            ],
        ),
        dict(type='PackVISInputs'),
    ]
    loader = dict(
        batch_size=2,
        num_workers=2,
        persistent_workers=by_epoch,
        sampler=dict(type='KeyFrameSampler' if by_epoch else 'InfiniteKeyFrameSampler'),
        dataset=dict(
            type='YouTubeVISDataset',
            data_root=str(data),
            ann_file='instances.json',
            data_prefix=dict(img_path='JPEGImages'),
            pipeline=pipeline,
        ),
    )
    cfg = dict(type='IterBasedTrainLoop', max_iters=ITERATIONS, val_interval=3)
    if by_epoch:
        cfg = dict(type='EpochBasedTrainLoop', max_epochs=3)
    val_set = loader['dataset'] | dict(test_mode=True, pipeline=pipeline[1:])
    val_set['pipeline'][0] = dict(
        type='TransformBroadcaster', transforms=[dict(type='LoadVISFrame')]
    )
    validation = dict(
        val_dataloader=dict(
            batch_size=1, sampler=dict(type='ClipSampler'), dataset=val_set
        ),
        val_cfg=dict(type='ValLoop'),
        val_evaluator=[ToyMetric()],
    )
    default_hooks = dict(
        checkpoint=dict(
            type='CheckpointHook', by_epoch=by_epoch, interval=1 if by_epoch else 3
        )
    )
    torch.use_deterministic_algorithms(True)
    return VISRunner(
        model=settings.pop('model', None) or NoisyModel(),
        work_dir=str(work_dir),
        train_dataloader=loader | settings.pop('loader', {}),
        train_cfg=cfg,
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
        param_scheduler=dict(type='LinearLR', begin=0, end=9, by_epoch=False),
        default_hooks=default_hooks,
        default_scope='mmvis',
        log_level='WARNING',
        **validation,
        experiment_name=f'run_{random.SystemRandom().random()}',
        **settings,
    )


def train(
    rank: int, folder: Path, name: str, by_epoch: bool, act: str, resume: bool
) -> dict[str, Any]:
    """Train in ``folder / name``; returns the final weights.

    ``act`` is a word and a number: ``kill 5`` after iteration 5, ``write 2`` in the
    middle of writing the second checkpoint, ``term 5`` or ``usr1 5`` a signal,
    ``timer 0.4`` a kill after so many seconds, ``none 0``.
    """
    work_dir = folder / name
    word, number = act.split()
    hooks: list[Hook] = [Record(folder / f'{name}.txt')]
    settings: dict[str, Any] = dict(resume=resume, custom_hooks=hooks)
    if word == 'kill':
        hooks.append(Act(int(number), kill))
    elif word in ('term', 'usr1'):
        sent = getattr(signal, f'SIG{word.upper()}')
        hooks.append(Act(int(number), lambda: os.kill(os.getpid(), sent)))
    elif word == 'write':
        kill_in_write(int(number))
    elif word == 'timer':
        timer = threading.Timer(float(number), kill)
        timer.daemon = True
        timer.start()
    if not list(work_dir.glob('*.pth')):  # else it has to find the seed of the first
        settings['randomness'] = dict(seed=7)
    runner = make_runner(folder, work_dir, by_epoch, **settings)
    try:
        runner.train()
    except SystemExit as end:
        return dict(code=end.code, iteration=runner.iter + 1)
    return dict(weights={k: v.clone() for k, v in runner.model.state_dict().items()})


def kill_in_write(number: int) -> None:
    """Kill this process when it has written the ``number``-th checkpoint in part."""
    real, seen = os.fsync, []

    def fsync(file: int) -> None:
        seen.append(file)
        if len(seen) == number:
            os.ftruncate(file, 500)
            kill()
        real(file)

    os.fsync = fsync


def records(path: Path) -> dict[int, str]:
    """Of each iteration what was recorded last."""
    lines = [line.split() for line in path.read_text().splitlines()]
    # A run may have been killed while it wrote one.
    return {int(line[0]): ' '.join(line[1:]) for line in lines if len(line) == 3}
