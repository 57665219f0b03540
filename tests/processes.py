"""Processes that tests start: each ends within a limit, and none outlives its test.

A command that hangs, or ranks that wait for one that died, shall fail one test with the
places where they stood, and not stop a run without a word. A test asks for processes
here only; ``test_process_rules.py`` holds that.
"""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

# Seconds. Both are below the limit of a test in pyproject.toml, which would end the
# whole process of tests without knowing what it waited for.
COMMAND_LIMIT = 480
APART_LIMIT = 300


def run_bounded(
    words: Sequence[object],
    *,
    limit: float = COMMAND_LIMIT,
    env: dict[str, str] | None = None,
    **options: Any,
) -> subprocess.CompletedProcess:
    """``subprocess.run`` that catches text, for a command that has to end.

    After ``limit`` seconds a Python is told to print the stacks of its threads; then
    all that the command started is killed, and the test fails with what was said.
    """
    words = [str(word) for word in words]
    env = {**(os.environ if env is None else env), 'PYTHONFAULTHANDLER': '1'}
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) | options
    with subprocess.Popen(words, env=env, start_new_session=True, **options) as process:
        try:
            said, complaint = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _signal(process, 'SIGABRT')
            try:
                said, complaint = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                _signal(process, 'SIGKILL')
                said, complaint = process.communicate()
            raise AssertionError(
                f'{words} did not end within {limit} s.\n{said[-3000:]}\n'
                f'{(complaint or "")[-6000:]}'
            ) from None
        finally:
            _signal(process, 'SIGKILL')
    return subprocess.CompletedProcess(words, process.returncode, said, complaint)


@contextmanager
def started(words: Sequence[object], **options: Any) -> Iterator[subprocess.Popen]:
    """A command that a test watches or signals; it is killed when the block is left.

    It has a session of its own. Who waits for it gives ``communicate`` a limit.
    """
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) | options
    words = [str(word) for word in words]
    with subprocess.Popen(words, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            _signal(process, 'SIGKILL')


def wait_for(there: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait until something is there, as long as the process that makes it lives."""
    deadline = time.monotonic() + COMMAND_LIMIT
    while not there():
        assert process.poll() is None, f'ended with {process.returncode} before'
        assert time.monotonic() < deadline, f'not there within {COMMAND_LIMIT} s'
        time.sleep(0.1)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    state = run_bounded(['ps', '-o', 'stat=', '-p', pid]).stdout.strip()
    return bool(state) and not state.startswith('Z')


def _signal(process: subprocess.Popen, name: str) -> None:
    """Send a signal to a command and to whatever it started."""
    try:
        if hasattr(os, 'killpg'):
            os.killpg(process.pid, getattr(signal, name))
        else:
            process.kill()
    except OSError:
        pass  # all of them have ended


def run_apart(
    work: Callable[..., Any],
    *args: Any,
    folder: Path,
    processes: int = 1,
    limit: float = APART_LIMIT,
) -> list[Any]:
    """Call ``work(index, *args)`` in processes that are not forked from this one.

    A fork has what the threads of its parent held and not the threads: what forks, or
    is sensitive to it, is tested from here.

    Args:
        work: A function of a module.
        args: Can be pickled.
        folder: Of this test alone.
        processes: How many, numbered from 0.
        limit: Seconds after which a process prints its stacks and ends.

    Returns:
        What ``work`` returned in each process.

    Raises:
        AssertionError: A process failed or was late, which ended the others.
    """
    place = Path(tempfile.mkdtemp(prefix='apart', dir=folder))
    context = mp.start_processes(
        _report,
        (work, args, place, limit),
        nprocs=processes,
        join=False,
        start_method=_start_method(),
    )
    end = time.monotonic() + limit + 30  # for one that is stuck before it begins
    try:
        while not context.join(timeout=5, grace_period=1):
            assert time.monotonic() < end, f'{work.__name__} did not even begin.'
    except Exception as error:
        late = [path for path in sorted(place.glob('*.stacks')) if path.stat().st_size]
        stood = [f'{path.stem} stood here:\n{path.read_text()}' for path in late]
        raise AssertionError('\n'.join([str(error), *stood])) from error
    finally:
        for process in context.processes:
            process.kill()
            process.join()
    return [pickle.loads((place / f'{i}.pkl').read_bytes()) for i in range(processes)]


def run_ranks(
    work: Callable[..., Any], *args: Any, folder: Path, limit: float = APART_LIMIT
) -> list[Any]:
    """:func:`run_apart` on the two ranks of a gloo group, which ``work`` leaves open.

    The group meets over a file of its own: no other test can have its port.
    """
    store = Path(tempfile.mkdtemp(prefix='ranks', dir=folder)) / 'store'
    group = (work, args, store, limit)
    return run_apart(_in_group, *group, folder=folder, processes=2, limit=limit)


def _report(
    index: int, work: Callable[..., Any], args: tuple, place: Path, limit: float
) -> None:
    stacks = open(place / f'{index}.stacks', 'w')  # noqa: SIM115  (until this ends)
    faulthandler.dump_traceback_later(limit, exit=True, file=stacks)
    torch.set_num_threads(1)
    # A child of a server would start a server for its data loader too. Here are no
    # threads that a fork could miss.
    if sys.platform == 'linux':
        mp.set_start_method('fork', force=True)
    result = work(index, *args)
    (place / f'{index}.pkl').write_bytes(pickle.dumps(result))
    faulthandler.cancel_dump_traceback_later()


def _in_group(
    rank: int, work: Callable[..., Any], args: tuple, store: Path, limit: float
) -> Any:
    dist.init_process_group(
        'gloo',
        store=dist.FileStore(str(store), 2),
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=limit),
    )
    result = work(rank, *args)
    # What holds the group goes first. The last holder ends gloo's thread and waits for
    # it; DistributedDataParallel does so with Python's lock, which that thread may want
    # for the last tensors it sent (pytorch/pytorch#56297), and both wait for ever. On a
    # busy machine that was one run in ten.
    gc.collect()
    kinds = {type(thing) for thing in gc.get_objects()}
    held = any(issubclass(kind, DistributedDataParallel) for kind in kinds)
    assert not held, f'{work.__name__} left a model that still holds the group.'
    dist.destroy_process_group()
    return result


def _start_method() -> str:
    """Forks of a server without threads, which imports once; else fresh processes."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return 'spawn'
    # The last is what DistributedDataParallel imports when it first runs.
    multiprocessing.get_context('forkserver').set_forkserver_preload(
        ['mmvis.datasets', 'mmvis.evaluation', 'mmvis.models', 'torch._dynamo']
    )
    return 'forkserver'


def free_port() -> int:
    """A port that nothing listens on; another process may take it before it is used."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@contextmanager
def as_rank(rank: int, ranks: int, port: int) -> Iterator[None]:
    """The variables that torchrun would give this process."""
    given = dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=ranks, MASTER_PORT=port)
    os.environ.update({name: str(value) for name, value in given.items()})
    os.environ['MASTER_ADDR'] = '127.0.0.1'
    yield
    gc.collect()
