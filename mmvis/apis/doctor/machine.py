"""What the machine has to give."""

from __future__ import annotations

import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .finding import NOTE, OK, Finding

_GIB = 2**30


def look_at_machine() -> Iterator[Finding]:
    """Python, processors, memory, disk, and how processes are started."""
    yield Finding(OK, 'python', f'{platform.python_version()} ({sys.executable})')
    yield Finding(OK, 'system', platform.platform())
    yield _processors()
    memory = available_memory()
    if memory is not None:
        few = memory < 2 * _GIB
        text = f'{memory / _GIB:.1f} GiB free'
        yield Finding(NOTE if few else OK, 'memory', text)
    for name, folder in (('here', os.getcwd()), ('temporary', tempfile.gettempdir())):
        yield _disk(f'disk, {name}', folder)
    yield (
        _disk('shared memory', '/dev/shm', 0.5)
        if os.path.isdir('/dev/shm')
        else (Finding(OK, 'shared memory', 'not by /dev/shm'))
    )
    method = multiprocessing.get_context().get_start_method()
    yield Finding(OK, 'processes', f'start by {method}')


def _processors() -> Finding:
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else count
    names = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS')
    set_to = [f'{name}={os.environ[name]}' for name in names if name in os.environ]
    text = f'{usable} of {count} usable' + ''.join(f', {entry}' for entry in set_to)
    return Finding(OK, 'processors', text)


def available_memory() -> int | None:
    """Bytes that a process may still have, a container's limit included."""
    try:
        lines = Path('/proc/meminfo').read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(':', 1) for line in lines)
    free = int(fields['MemAvailable'].split()[0]) * 1024
    try:
        limit = int(Path('/sys/fs/cgroup/memory.max').read_text())
        used = int(Path('/sys/fs/cgroup/memory.current').read_text())
    except (OSError, ValueError):  # none, or "max"
        return free
    return min(free, limit - used)


def _disk(subject: str, folder: str, least: float = 2.0) -> Finding:
    free = shutil.disk_usage(folder).free / _GIB
    text = f'{free:.1f} GiB free in {folder}'
    if not os.access(folder, os.W_OK):
        return Finding(NOTE, subject, f'{folder} cannot be written')
    return Finding(NOTE if free < least else OK, subject, text)
