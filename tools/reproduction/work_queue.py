"""Jobs, a number of them at a time, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

BUSY = 75  # sysexits' "try again": another process has the job in hand
_POLL = 0.5  # seconds between two looks
_WAIT = 30.0  # seconds before a busy job is tried again
_GRACE = 20.0  # seconds that jobs get to end when they are told to


class StoppedError(RuntimeError):
    """The queue was told to stop."""


@dataclass(eq=False)
class Job:
    """A command, and the jobs that have to be done before.

    Attributes:
        name: for what is printed.
        command: arguments of the process; exit code 0 is done, BUSY is tried again,
            anything else has failed.
        needs: names of jobs of the same queue.
    """

    name: str
    command: Sequence[str]
    needs: Sequence[str] = ()
    not_before: float = field(default=0.0, init=False)


def run_jobs(
    jobs: Sequence[Job],
    at_a_time: int,
    environment: dict[str, str],
    say: Callable[[str], None] = print,
) -> list[str]:
    """Run all jobs, in their order as far as their needs allow.

    A failed job is told of, and those that need it are left out. SIGTERM and SIGINT
    end the jobs' processes, and theirs, before the queue ends.

    Args:
        jobs: what to do.
        at_a_time: how many.
        environment: of the jobs.
        say: takes a line for each begin and end.

    Returns:
        Names of the jobs that failed or were left out.

    Raises:
        StoppedError: by a signal; jobs that are not done can be begun again.
    """
    waiting, lost = list(jobs), []
    running: dict[Job, tuple[subprocess.Popen, float]] = {}
    told: list[str] = []

    def stop(number: int, frame: FrameType | None) -> None:
        # Nothing is raised here: a job might have begun and not be known yet.
        told.append(signal.Signals(number).name)

    before = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        while (waiting or running) and not told:
            open_names = {job.name for job in [*waiting, *running]}
            for job in [job for job in waiting if set(job.needs) & set(lost)]:
                waiting.remove(job)
                lost.append(job.name)
                say(f'left out: {job.name}, which needs {" and ".join(job.needs)}')
            for job in list(waiting):
                ready = not set(job.needs) & open_names
                if (
                    len(running) < at_a_time
                    and ready
                    and job.not_before <= time.monotonic()
                ):
                    waiting.remove(job)
                    # A session of its own, so that all its processes can be ended.
                    process = subprocess.Popen(
                        job.command, env=environment, start_new_session=True
                    )
                    running[job] = process, time.monotonic()
                    say(f'begun: {job.name} ({len(waiting)} more)')
            for job, (process, began) in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                del running[job]
                if code == BUSY:
                    job.not_before = time.monotonic() + _WAIT
                    waiting.append(job)
                elif code:
                    lost.append(job.name)
                    say(f'failed: {job.name} (exit code {code})')
                else:
                    say(f'done: {job.name} in {time.monotonic() - began:.0f} s')
            time.sleep(_POLL)
    finally:
        _end([process for process, _ in running.values()])
        for number, handler in before.items():
            signal.signal(number, handler)
    if told:
        raise StoppedError(told[0])
    return lost


def _end(processes: Sequence[subprocess.Popen]) -> None:
    """End processes and their children: asked first, killed if they do not."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.monotonic(), 0.1))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def environment(threads: int) -> dict[str, str]:
    """That of jobs that use so many threads each."""
    root = {'PYTHONUNBUFFERED': '1', 'PYTHONFAULTHANDLER': '1'}
    count = {
        name: str(threads)
        for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')
    }
    return {**os.environ, **root, **count}


def python(*arguments: object) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *map(str, arguments)]
