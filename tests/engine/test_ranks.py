"""Several processes on CPUs give what one does, and say which of them failed."""

import json
import os
import re
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from data_factory import make_vis_dataset
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from processes import as_rank, free_port, run_apart
from resumed_runs import Act, Record, make_runner, records
from torch import Tensor, nn

from mmvis.engine import ranks
from mmvis.engine.command_line import run_command
from mmvis.engine.errors import CommandError
from mmvis.engine.runner import VISRunner


class Brightness(BaseModel):
    """Finds what is bright in the two halves of a frame."""

    def forward(self, inputs: list[Tensor], data_samples: list, mode: str) -> list:
        for clip, sample in zip(inputs, data_samples, strict=True):
            for frame, found in zip(clip, sample.video_data_samples, strict=True):
                bright = frame.amax(0) > 115
                masks = torch.stack([bright, bright])
                masks[0, :, 32:], masks[1, :, :32] = False, False
                found.pred_track_instances = InstanceData(
                    masks=masks,
                    scores=masks.float().mean((1, 2)),
                    labels=torch.tensor([0, 1]),
                    instances_id=torch.tensor([3, 7]),
                )
        return data_samples


def predict_set(folder: Path, out: Path, **settings: Any) -> dict:
    """Of the set in ``folder``: what a test computes and writes."""
    data = dict(
        type='YouTubeVISDataset',
        data_root=str(folder),
        ann_file='instances.json',
        data_prefix=dict(img_path='JPEGImages'),
        test_mode=True,
        pipeline=[
            dict(type='TransformBroadcaster', transforms=[dict(type='LoadVISFrame')]),
            dict(type='PackVISInputs'),
        ],
    )
    runner = VISRunner(
        model=Brightness(),
        work_dir=str(out),
        test_dataloader=dict(
            batch_size=1, sampler=dict(type='ClipSampler', clip_length=2), dataset=data
        ),
        test_cfg=dict(type='TestLoop'),
        test_evaluator=[
            dict(
                type='YouTubeVISMetric',
                outfile_prefix=str(out / 'results'),
                **settings.pop('metric', {}),
            )
        ],
        default_scope='mmvis',
        log_level='ERROR',
        experiment_name=f'{out.parent.name}_{out.name}_{os.getpid()}',
        **settings,
    )
    return runner.test()


def predict_all(rank: int, folder: Path, count: int, port: int) -> dict:
    """A set with labels, and one of fewer videos than ranks for a submission."""
    with as_rank(rank, count, port):
        launcher = dict(launcher='pytorch') if count > 1 else {}
        metrics = predict_set(
            folder / 'uneven', folder / f'out_{count}/uneven', **launcher
        )
        only_write = dict(metric=dict(format_only=True), **launcher)
        predict_set(folder / 'few', folder / f'out_{count}/few', **only_write)
    return metrics


def test_ranks_together_write_and_measure_what_one_does(tmp_path):
    for name, lengths in (('uneven', (5, 1, 4, 2)), ('few', (3, 2))):
        (tmp_path / name).mkdir()
        make_vis_dataset(tmp_path / name, lengths=lengths)
    alone = predict_all(0, tmp_path, 1, 0)
    assert 0 < alone['youtube_vis/AP'] < 1 or alone, alone
    # One more than the few have videos; of the four one rank gets two.
    work = (predict_all, tmp_path, 3, free_port())
    for metrics in run_apart(*work, folder=tmp_path, processes=3):
        assert metrics == alone
    for name in ('uneven', 'few'):
        one, several = (
            (tmp_path / f'out_{n}' / name / 'results.json').read_bytes() for n in (1, 3)
        )
        assert one == several and len(json.loads(one)) > 2


class Quiet(BaseModel):
    """Draws nothing, and has no statistics of a batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.GroupNorm(2, 4))

    def forward(self, inputs: list[Tensor], data_samples: list, mode: str) -> Any:
        if mode != 'loss':
            return data_samples
        features = self.layers(torch.cat(list(inputs)).float() / 255)
        return dict(loss=(features.relu() - 0.5).square().mean())


def train(rank: int, folder: Path, name: str, count: int, port: int, stop: int) -> Any:
    """Batches of six over all ranks; ``stop`` tells the last rank to end."""
    with as_rank(rank, count, port):
        hooks = [Record(folder / f'{name}_{rank}.txt')]
        if stop and rank == count - 1:
            hooks.append(Act(stop, lambda: os.kill(os.getpid(), signal.SIGTERM)))
        runner = make_runner(
            folder,
            folder / name,
            False,
            model=Quiet(),
            loader=dict(batch_size=6 // count, num_workers=1),
            custom_hooks=hooks,
            resume=True,
            launcher='pytorch' if count > 1 else 'none',
            randomness=dict(seed=2),
        )
        try:
            runner.train()
        except SystemExit as end:
            return end.code, runner.iter + 1
    return runner.iter


def mean_losses(folder: Path, name: str) -> dict[int, float]:
    """Over the ranks that wrote them."""
    losses = defaultdict(list)
    for path in sorted(folder.glob(f'{name}_*.txt')):
        for iteration, line in records(path).items():
            losses[iteration].append(float.fromhex(line.split()[0]))
    return {i: sum(found) / len(found) for i, found in losses.items()}


def test_two_ranks_train_as_one_and_one_goes_on_from_them(tmp_path):
    """The same key frames in each batch; float32 sums in another order: 1e-5."""
    assert train(0, tmp_path, 'one', 1, 0, 0) == 9
    work = (train, tmp_path, 'two', 2, free_port())
    ended = run_apart(*work, 5, folder=tmp_path, processes=2)
    assert ended == [(0, 5), (0, 5)]  # together, though one alone was told
    assert mean_losses(tmp_path, 'two').keys() == set(range(5))
    # One rank goes on with the data that two have not drawn.
    os.rename(tmp_path / 'two_1.txt', tmp_path / 'second_of_two_1.txt')
    first = dict(mean_losses(tmp_path, 'second_of_two'))
    assert train(0, tmp_path, 'two', 1, 0, 0) == 9
    expected, found = mean_losses(tmp_path, 'one'), mean_losses(tmp_path, 'two')
    for iteration, loss in first.items():
        found[iteration] = (found[iteration] + loss) / 2
    assert found.keys() == expected.keys()
    for iteration, loss in expected.items():
        assert found[iteration] == pytest.approx(loss, rel=1e-5), iteration
    assert len(set(expected.values())) == 9


def fail(rank: int, port: int, how: str) -> str:
    """Rank 1 fails, or goes without a word; what each of the two ends with."""
    ranks.PATIENCE = 1.0

    def main() -> None:
        ranks.join_ranks('pytorch', dict(backend='nccl', timeout=60))
        if rank == 0:
            dist.all_reduce(torch.ones(1))
        elif how == 'says':
            raise CommandError('frame 7 of cat.mp4 cannot be read.')
        else:  # as if it ran no longer
            place = f'{ranks.socket.gethostname()} {2**22 + 1}'
            ranks._store().set('mmvis/process/1', place)

    with as_rank(rank, 2, port):
        try:
            run_command(main)
        except SystemExit as end:
            said = str(end.code)
        else:
            said = ''
        if rank == 1:
            dist.destroy_process_group()
    return said


@pytest.mark.parametrize(
    ('how', 'reason'),
    [
        ('says', 'rank 1 failed: frame 7 of cat.mp4 cannot be read.'),
        ('is killed', 'rank 1 has gone without a word: it was killed'),
    ],
)
def test_the_rank_that_failed_is_named_by_the_others(tmp_path, how, reason):
    other, own = run_apart(fail, free_port(), how, folder=tmp_path, processes=2)
    assert f'rank 0 of 2: error: ended because {reason}' in other
    if how == 'says':
        assert 'rank 1 of 2: error: frame 7 of cat.mp4' in own


@pytest.fixture
def environment(monkeypatch):
    """Sets exactly these variables of launchers."""

    def put(**variables: str) -> None:
        for name in list(os.environ):
            if re.match(r'SLURM|OMPI|MASTER|(LOCAL_)?RANK$|WORLD_SIZE', name):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    # Whatever join_ranks sets is undone.
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, 'x')
    return put


@pytest.mark.parametrize(
    ('nodes', 'host'),
    [
        ('gpu[03-05,9],cpu1', 'gpu03'),
        ('node7', 'node7'),
        ('a-1,b-2', 'a-1'),
        ('', '127.0.0.1'),
    ],
)
def test_slurm_s_variables_are_read(environment, monkeypatch, nodes, host):
    monkeypatch.setenv('PATH', '')  # no scontrol
    environment(
        SLURM_PROCID='5',
        SLURM_NTASKS='8',
        SLURM_LOCALID='1',
        SLURM_JOB_ID='1234567',
        SLURM_NODELIST=nodes,
    )
    ranks._read_slurm(None)
    names = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
    found = [os.environ[name] for name in names]
    assert found == ['5', '8', '1', host, '24567']


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm', 'mpi'])
def test_a_launcher_that_did_not_launch_is_said(environment, launcher):
    environment()
    with pytest.raises(CommandError, match=f'--launcher {launcher} .*(set|sets)'):
        ranks.join_ranks(launcher, {})
