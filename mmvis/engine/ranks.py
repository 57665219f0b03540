"""Processes that train or test together: how they find each other, and who failed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.dist import init_dist

from .errors import CommandError

# What a rank says whose partner has gone.
_LOST = re.compile(
    r'gloo|nccl|connection (closed|reset|refused)|broken pipe|socket|timed out|store',
    re.IGNORECASE,
)
# Seconds that a rank waits to hear why another one has gone.
PATIENCE = 3.0


def join_ranks(launcher: str, settings: Mapping[str, Any]) -> None:
    """Make the process group: with nccl where there are GPUs, else with gloo.

    Args:
        launcher (str): pytorch (torchrun, mim), slurm or mpi.
        settings (Mapping): A config's ``env_cfg.dist_cfg``: ``backend`` where another
            one is wanted, ``timeout`` in seconds, ``port`` of slurm's.

    Raises:
        CommandError: The launcher's variables are not there, or a process has no GPU
            on a machine that has some.
    """
    settings = dict(settings)
    if launcher == 'slurm':
        _read_slurm(settings.pop('port', None))
    elif launcher == 'mpi':
        _read_mpi()
    lacking = [name for name in ('RANK', 'WORLD_SIZE') if name not in os.environ]
    if lacking:
        raise CommandError(
            f'--launcher {launcher} needs {" and ".join(lacking)} in the environment, '
            'which torchrun sets: torchrun --nproc_per_node=2 tools/train.py CONFIG '
            '--launcher pytorch. Without other processes leave --launcher out.'
        )
    os.environ.setdefault('LOCAL_RANK', '0')
    if torch.cuda.is_available():
        local, devices = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
        if local >= devices:
            raise CommandError(
                f'Process {local} of this machine has no GPU: it has {devices}. Start '
                f'{devices} a machine.'
            )
        init_dist('pytorch', **settings)
    elif _other_accelerator():
        init_dist(launcher, **settings)
    else:
        backend = settings.pop('backend', None)
        settings.pop('init_backend', None)
        seconds = settings.pop('timeout', None)
        if seconds is not None:
            settings['timeout'] = timedelta(seconds=seconds)
        # nccl is what configs say by default, and is for GPUs alone.
        backend = 'gloo' if backend in (None, 'nccl') else backend
        dist.init_process_group(backend, **settings)
    _store().set(f'mmvis/process/{dist.get_rank()}', f'{socket.gethostname()} {_pid()}')


def _other_accelerator() -> bool:
    from mmengine.device import get_device

    return get_device() != 'cpu'


def _read_slurm(port: int | None) -> None:
    """torch's variables from those of ``srun``."""
    lacking = [k for k in ('SLURM_PROCID', 'SLURM_NTASKS') if k not in os.environ]
    if lacking:
        raise CommandError(
            f'--launcher slurm needs {" and ".join(lacking)}, which srun sets: srun '
            '--ntasks=8 python tools/train.py CONFIG --launcher slurm.'
        )
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    os.environ['LOCAL_RANK'] = os.environ.get('SLURM_LOCALID', '0')
    if port is None:
        # Two jobs on one machine must not meet.
        port = 20000 + int(os.environ.get('SLURM_JOB_ID', '0')) % 10000
    os.environ.setdefault('MASTER_PORT', str(port))
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_host(os.environ.get('SLURM_NODELIST', ''))


def _first_host(nodes: str) -> str:
    """The first of slurm's list of nodes, such as gpu[03-05,9],cpu1."""
    try:
        named = subprocess.run(
            ['scontrol', 'show', 'hostnames', nodes], capture_output=True, text=True
        ).stdout.split()
    except OSError:
        named = []
    if named:
        return named[0]
    first = re.match(r'([^\[,]*)(?:\[(\d+))?', nodes)
    return ''.join(filter(None, first.groups())) if first and nodes else '127.0.0.1'


def _read_mpi() -> None:
    """torch's variables from those of Open MPI."""
    for name in ('RANK', 'SIZE', 'LOCAL_RANK'):
        value = os.environ.get(f'OMPI_COMM_WORLD_{name}')
        if value is None:
            raise CommandError(
                f'--launcher mpi needs OMPI_COMM_WORLD_{name}, which mpirun sets.'
            )
        os.environ['WORLD_SIZE' if name == 'SIZE' else name] = value
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    os.environ.setdefault('MASTER_PORT', '29500')


def _store() -> Any:
    return dist.distributed_c10d._get_default_store()


def _pid() -> int:
    return os.getpid()


def rank_name() -> str:
    """'rank 1 of 2', or nothing where a process is alone."""
    if not (dist.is_available() and dist.is_initialized()):
        return ''
    return f'rank {dist.get_rank()} of {dist.get_world_size()}'


def is_lost_partner(error: BaseException) -> bool:
    """Whether an error says no more than that another rank has gone."""
    if not rank_name() or not isinstance(error, (RuntimeError, ConnectionError)):
        return False
    return bool(_LOST.search(str(error)))


def report_failure(message: str) -> None:
    """Let the other ranks know why this one ends."""
    try:
        _store().set(f'mmvis/failed/{dist.get_rank()}', message[:2000])
    except Exception:  # the store may be what has failed
        return


def who_failed() -> str:
    """A sentence on the rank that this one has lost; waits up to ``PATIENCE``."""
    others = [r for r in range(dist.get_world_size()) if r != dist.get_rank()]
    end = time.monotonic() + PATIENCE
    try:
        while True:
            for rank in others:
                if _store().check([f'mmvis/failed/{rank}']):
                    said = _store().get(f'mmvis/failed/{rank}').decode()
                    return f'ended because rank {rank} failed: {said}'
            gone = [rank for rank in others if _is_gone(rank)]
            if gone and time.monotonic() > end - PATIENCE / 2:
                return (
                    f'ended because rank {gone[0]} has gone without a word: it was '
                    'killed, perhaps for want of memory.'
                )
            if time.monotonic() > end:
                return 'ended because it lost the other ranks, or one of them.'
            time.sleep(0.1)
    except Exception:  # rank 0 keeps the store, where no agent does
        return 'ended because it lost rank 0, and what that may have said.'


def _is_gone(rank: int) -> bool:
    """Whether a rank of this machine runs no longer."""
    host, pid = _store().get(f'mmvis/process/{rank}').decode().split()
    if host != socket.gethostname():
        return False
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return os.path.isdir('/proc/self')
    return state == 'Z'
