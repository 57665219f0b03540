"""Processes of tests end: what helps them does, and no test goes without that help."""

import ast
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from processes import is_running, run_apart, run_bounded, run_ranks
from torch.nn.parallel import DistributedDataParallel

ROOT = Path(__file__).resolve().parents[1]
# Calls without a limit, or that fork a process whose threads may hold what the child
# waits for.
MODULES = {
    'subprocess': {'run', 'call', 'Popen', 'check_call', 'check_output', 'getoutput'},
    'os': {'fork', 'forkpty', 'system', 'popen'},
}
# Of torch.distributed and the multiprocessing of Python and torch, by any name.
GROUPS = {'init_process_group', 'spawn', 'start_processes', 'Pool', 'Process'}

# What a file has that calls one of them, or starts a thread.
WORDS = ('subprocess', 'multiprocessing', 'distributed', 'thread', 'fork', 'os.')


def calls(path: Path) -> Iterator[tuple[str, str | None, str, ast.Call]]:
    """Where a file calls what: place, name, the name before its dot, and the call."""
    text = path.read_text()
    if not any(word in text for word in WORDS):  # most have none, and are read quickly
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, 'attr', getattr(node.func, 'id', ''))
            owner = getattr(getattr(node.func, 'value', None), 'id', None)
            yield f'{path.relative_to(ROOT)}:{node.lineno} {name}', owner, name, node


def starts(path: Path) -> list[str]:
    """The places of a file that start processes by themselves."""
    return [
        place
        for place, owner, name, _ in calls(path)
        if name in GROUPS or name in MODULES.get(owner, ())
    ]


def test_tests_start_processes_by_the_helper_only():
    # One forks on purpose, from a process in which nothing else has happened; three
    # send a signal to a command in its middle.
    apart = ['processes.py', 'test_youtube_vis.py']
    apart += ['test_demo_command.py', 'test_reproduce_command.py', 'test_launchers.py']
    offences = [
        place
        for path in sorted((ROOT / 'tests').rglob('*.py'))
        if path.name not in apart
        for place in starts(path)
    ]
    assert not offences, 'use tests/processes.py: ' + ', '.join(offences)


def test_threads_do_not_keep_a_process_that_would_end():
    """Python waits at its end for every thread that is no daemon."""
    offences = [
        place
        for folder in ('mmvis', 'tests', 'tools')
        for path in sorted((ROOT / folder).rglob('*.py'))
        for place, _, name, call in calls(path)
        if name == 'Thread' and 'daemon=True' not in map(ast.unparse, call.keywords)
    ]
    assert not offences, offences


def test_a_command_that_hangs_tells_where_and_ends_what_it_started():
    program = (
        'import subprocess, sys, time\n'
        "sleep = [sys.executable, '-c', 'import time; time.sleep(99)']\n"
        'child = subprocess.Popen(sleep)\n'
        'print(child.pid, flush=True)\n'
        'def wait_for_nothing():\n'
        '    time.sleep(99)\n'
        'wait_for_nothing()\n'
    )
    with pytest.raises(AssertionError, match='did not end within') as caught:
        run_bounded([sys.executable, '-c', program], limit=3)
    said = str(caught.value)
    # Behind the command's own words. The child tells where it is too, in between.
    assert 'wait_for_nothing' in said.partition('did not end')[2]
    child = int(next(line for line in said.splitlines() if line.isdigit()))
    end = time.monotonic() + 10  # the kernel kills at its leisure
    while is_running(child) and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_running(child)


def _die_on_the_second(rank: int) -> None:
    if rank:
        raise ValueError('no such video')
    dist.barrier()


def _wait_for_nothing(_: int) -> None:
    time.sleep(99)


def test_a_rank_that_dies_ends_the_other(tmp_path):
    with pytest.raises(AssertionError, match='no such video'):
        run_ranks(_die_on_the_second, folder=tmp_path)


def test_a_process_that_is_late_tells_where(tmp_path):
    with pytest.raises(AssertionError, match='in _wait_for_nothing'):
        run_apart(_wait_for_nothing, folder=tmp_path, limit=2)


class Kept:
    model: DistributedDataParallel | None = None


def _train(rank: int, keep: bool) -> list[float]:
    torch.manual_seed(0)
    model = DistributedDataParallel(torch.nn.Linear(4, 1))
    model(torch.full((1, 4), rank + 1.0)).sum().backward()
    if keep:
        Kept.model = model
    return model.module.weight.grad.flatten().tolist()


def test_a_group_ends_after_what_uses_it(tmp_path):
    """Leaving it while a model holds it waits for ever, though not always."""
    assert run_ranks(_train, False, folder=tmp_path) == [[1.5] * 4] * 2
    with pytest.raises(AssertionError, match='still holds the group'):
        run_ranks(_train, True, folder=tmp_path)
