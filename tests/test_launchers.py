"""The commands under every launcher, on CPUs: one result, and no hang."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from data_factory import make_vis_dataset
from mmengine.registry import init_default_scope
from model_factory import tiny_config
from processes import free_port, is_running, run_bounded

from mmvis.registry import MODELS

pytestmark = pytest.mark.full

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs/tiny/masktrack_rcnn_tiny_videos.py'
TORCHRUN = [sys.executable, '-m', 'torch.distributed.run']


@pytest.fixture(scope='module')
def place(tmp_path_factory) -> Path:
    """A data set of uneven videos, and weights that find something."""
    folder = tmp_path_factory.mktemp('launchers')
    (folder / 'data').mkdir()
    categories = [(i, f'kind{i}') for i in range(1, 9)]
    made = make_vis_dataset(
        folder / 'data', lengths=(3, 1, 2), size=(96, 160), categories=categories
    )
    (folder / 'data/train').mkdir()
    (folder / 'data' / made.prefix).rename(folder / 'data/train/JPEGImages')
    init_default_scope('mmvis')
    torch.manual_seed(0)
    model = MODELS.build(tiny_config(f'tiny/{CONFIG.name}').model)
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), folder / 'weights.pth')
    return folder


def options(place: Path, **more: object) -> list[str]:
    given = {
        'data_root': f'{place}/data/',
        'model.detector.test_cfg.rcnn.score_thr': 0.0,
        'train_dataloader.num_workers': 1,
        'train_dataloader.batch_size': 1,
        **more,
    }
    return ['--cfg-options', *(f'{key}={value}' for key, value in given.items())]


def test_command(place: Path, out: Path) -> list[object]:
    return [
        ROOT / 'tools/test.py',
        CONFIG,
        place / 'weights.pth',
        '--work-dir',
        out,
        '--out',
        out / 'results.json',
    ]


test_command.__test__ = False  # type: ignore[attr-defined]


def slurm(rank: int, count: int, port: int) -> dict[str, str]:
    given = dict(SLURM_PROCID=rank, SLURM_NTASKS=count, SLURM_LOCALID=rank)
    given |= dict(SLURM_NODELIST='localhost', SLURM_JOB_ID=port - 20000)
    return {**os.environ, **{name: str(value) for name, value in given.items()}}


def test_all_launchers_test_alike(place):
    alone = place / 'alone'
    one = run_bounded([sys.executable, *test_command(place, alone), *options(place)])
    assert one.returncode == 0, one.stderr[-3000:]
    expected = (alone / 'results.json').read_bytes()
    assert len(json.loads(expected)) > 3

    def start(words: list, out: Path, launcher: str, **settings) -> None:
        command = test_command(place, out)
        words = [*words, *command, '--launcher', launcher, *options(place)]
        done = run_bounded(words, **settings)
        assert done.returncode == 0, done.stderr[-3000:]

    with ThreadPoolExecutor() as pool:
        several = [*TORCHRUN, '--nproc_per_node=3', f'--master_port={free_port()}']
        start(several, place / 'three', 'pytorch')
        nodes = ['--nnodes=2', '--nproc_per_node=1', '--master_addr=127.0.0.1']
        nodes.append(f'--master_port={free_port()}')
        jobs = [
            pool.submit(
                start,
                [*TORCHRUN, *nodes, f'--node_rank={rank}'],
                place / 'nodes',
                'pytorch',
            )
            for rank in range(2)
        ]
        [job.result() for job in jobs]
        port = 20000 + os.getpid() % 10000
        jobs = [
            pool.submit(
                start,
                [sys.executable],
                place / 'slurm',
                'slurm',
                env=slurm(rank, 2, port),
            )
            for rank in range(2)
        ]
        [job.result() for job in jobs]
    for name in ('three', 'nodes', 'slurm'):
        assert (place / name / 'results.json').read_bytes() == expected, name


MIM = [sys.executable, '-c', 'from mim.cli import cli; cli()']


def several() -> list[object]:
    return ['--gpus', '2', '--launcher', 'pytorch', '--port', free_port()]


def test_mim_trains_with_several_ranks(place):
    pytest.importorskip('mim')
    run = place / 'mim_train'
    few = {'train_cfg.max_iters': 2, 'default_hooks.checkpoint.interval': 2}
    few |= {'val_cfg': None, 'val_dataloader': None, 'val_evaluator': None}
    words = [*MIM, 'train', 'mmvis', CONFIG, *several(), '--work-dir', run]
    done = run_bounded([*words, *options(place, **few)])
    assert done.returncode == 0, errors(done)
    assert (run / 'iter_2.pth').is_file()


def test_mim_tests_with_several_ranks(place):
    """What one process finds."""
    pytest.importorskip('mim')
    weights, results = place / 'weights.pth', []
    for name, start in (
        (
            'several',
            [*MIM, 'test', 'mmvis', CONFIG, '--checkpoint', weights, *several()],
        ),
        ('one', [sys.executable, ROOT / 'tools/test.py', CONFIG, weights]),
    ):
        out = place / f'mim_{name}.json'
        given = ['--work-dir', place / f'mim_{name}', '--out', out, *options(place)]
        done = run_bounded([*start, *given])
        assert done.returncode == 0, errors(done)
        results.append(out.read_bytes())
    assert results[0] == results[1] and len(json.loads(results[0])) > 3


def errors(done: subprocess.CompletedProcess) -> str:
    """What a command said of errors, and its last words."""
    lines = (done.stdout + done.stderr).splitlines()
    return '\n'.join([line for line in lines if 'rror: ' in line] + lines[-20:])


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_a_rank_that_is_killed_ends_the_others(place, seed):
    words = [*TORCHRUN, '--nproc_per_node=2', f'--master_port={free_port()}']
    words += [ROOT / 'tools/train.py', CONFIG, '--launcher', 'pytorch']
    words += ['--work-dir', place / f'killed_{seed}']
    words += options(place, **{'train_cfg.max_iters': 100000})
    words = [str(word) for word in words]
    run = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        ranks = _wait_for_ranks(run.pid, 2)
        # Before the first iteration, in the middle of them, and later.
        time.sleep((2, 12, 25)[seed])
        os.kill(ranks[-1], signal.SIGKILL)
        said, _ = run.communicate(timeout=90)
        assert run.returncode != 0
        assert not any(is_running(rank) for rank in ranks)
        # torchrun names the rank; the others say so too where they get to know of it.
        cause = said[said.index('Root Cause') :]
        assert re.search(r'rank +: 1 ', cause) and 'SIGKILL' in cause, said[-3000:]
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)


def _wait_for_ranks(agent: int, count: int) -> list[int]:
    """The processes of the script, of its agent."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        listed = run_bounded(['ps', '-o', 'pid=', '--ppid', agent]).stdout.split()
        if len(listed) >= count:
            return sorted(map(int, listed))
        time.sleep(0.5)
    raise AssertionError('the ranks did not start')
