"""How mmcv is compiled: by what, how many files at a time, and what is said of it."""

from __future__ import annotations

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from check_machine import MEGABYTE, find_compiler, torch_headers

# Compiling a file takes 0.7 GB. nvcc takes more; how much depends on the kernel.
JOB, CUDA_JOB = 700 * MEGABYTE, 2000 * MEGABYTE
# The precompiled header has 420 MB with gcc, the objects of all files 30 MB.
HEADER_SPACE = 700 * MEGABYTE
# On a terminal the line with the count is rewritten; elsewhere there is a new one.
SECONDS_PER_LINE = 10


def count_jobs() -> int:
    """How many files to compile at a time: a core each, as far as memory goes."""
    cores = len(os.sched_getaffinity(0))
    job = CUDA_JOB if torch_has_cuda() else JOB
    return max(1, min(cores, free_memory() // job))


def free_memory(root: Path = Path('/')) -> int:
    """Bytes that new processes can take: of the machine, or what a container may use.

    Args:
        root: where proc/ and sys/ are.
    """
    text = (root / 'proc/meminfo').read_text()
    (free,) = re.findall(r'^MemAvailable:\s*(\d+) kB', text, re.MULTILINE)
    free = int(free) * 1024
    groups = root / 'sys/fs/cgroup'
    for limit, used in (
        ('memory.max', 'memory.current'),
        ('memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes'),
    ):
        try:
            most, now = (int((groups / name).read_text()) for name in (limit, used))
        except (OSError, ValueError):  # not a container of that kind, or no limit
            continue
        free = min(free, max(0, most - now))
    return free


def torch_has_cuda() -> bool:
    """Whether torch is a CUDA build, without the seconds that importing it takes."""
    version: dict[str, object] = {}
    exec((torch_headers().parent / 'version.py').read_text(), version)
    return bool(version.get('cuda'))


def make_stand_in(folder: Path, environment: dict[str, str]) -> str:
    """Put the stand-in of cxx.py into ``folder`` and name it in ``environment``.

    A compiler of the user's (CXX) is kept: the stand-in calls it.

    Returns:
        Why there will be no precompiled header, or ''.
    """
    compiler = find_compiler(environment)
    kind = compiler_kind(compiler)
    if kind == 'clang' and torch_has_cuda():
        # torch looks at the compiler's name to know which versions nvcc takes.
        return 'clang compiles the host code of CUDA'
    stand_in = folder / Path(compiler[-1]).name
    words = [sys.executable, '-I', '-S', str(Path(__file__).with_name('cxx.py'))]
    words += [str(folder), *compiler, '--']
    stand_in.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    stand_in.chmod(0o755)
    environment['CXX'] = str(stand_in)
    # torch would put a ccache that it finds before the stand-in.
    environment['TORCH_NO_COMPILER_WRAPPER'] = '1'
    if reason := _no_header(folder, compiler, kind):
        return reason
    # clang can put into the header what each file would instantiate again.
    extra = '-fpch-instantiate-templates\n' if kind == 'clang' else ''
    (folder / 'extra').write_text(extra)
    (folder / 'torch.h').write_text('#include <torch/types.h>\n')
    return ''


def _no_header(folder: Path, compiler: list[str], kind: str) -> str:
    name = shlex.join(compiler)
    if kind == 'ccache':
        return f'{name} runs through ccache'
    if kind not in ('gcc', 'clang'):
        return f'{name} is neither gcc nor clang'
    free = shutil.disk_usage(folder).free
    if free < HEADER_SPACE:
        return (
            f'{folder} has {free // MEGABYTE} MB left and the header takes '
            f'{HEADER_SPACE // MEGABYTE} MB'
        )
    return ''


def compiler_kind(compiler: list[str]) -> str:
    """'gcc', 'clang', 'ccache' or '' of a compiler given as words."""
    found = [Path(word).name for word in compiler]
    found.append(Path(os.path.realpath(shutil.which(compiler[0]) or '')).name)
    if any(name in ('ccache', 'sccache', 'distcc') for name in found):
        return 'ccache'
    run = subprocess.run(
        [*compiler, '-v'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
        env={**os.environ, 'LC_ALL': 'C'},
    )
    match = re.search(r'\b(gcc|clang) version ', run.stdout)
    return match[1] if match else ''


class Progress:
    """Reads what pip, ninja and the compilers print, and says how far they are.

    Args:
        requirement: what is installed.
        jobs: how many files are compiled at a time.
        reason: why there is no precompiled header, or ''.
        folder: of the stand-in, which says there if making the header failed.
    """

    def __init__(self, requirement: str, jobs: int, reason: str, folder: Path) -> None:
        self.requirement = requirement
        self.name = requirement.partition('==')[0]
        self.jobs = jobs
        self.reason = reason
        self.folder = folder
        self.done = self.total = 0
        self.began = self.said = time.monotonic()
        self.warned = False
        self.rewrites = sys.stdout.isatty()

    def read(self, line: str) -> None:
        """Take in a line of output."""
        if re.search(r"building '\S+' extension", line):
            self._say(f'Compiling {self.requirement}, {self.jobs} files at a time.')
            if self.reason:
                self._warn(self.reason)
        elif '[-Winvalid-pch]' in line:
            self._warn(f'the compiler refuses it ({line.strip()})')
        elif match := re.match(r'\s*\[(\d+)/(\d+)\] ', line):
            self.done, self.total = int(match[1]), int(match[2])
            failed = self.folder / 'failed'
            if failed.exists():
                self._warn(f'it cannot be made ({failed.read_text()})')
            self._count()

    def _warn(self, reason: str) -> None:
        if not self.warned:
            self._say(
                f'No precompiled header, so it takes several times longer: {reason}.'
            )
        self.warned = True

    def _count(self) -> None:
        text = f'{self.name}: {self.done} of {self.total} files'
        if self.rewrites:
            print(f'\r{text}', end='\n' if self.done == self.total else '', flush=True)
        elif self.done == self.total or time.monotonic() - self.said > SECONDS_PER_LINE:
            self._say(text)
            self.said = time.monotonic()

    def _say(self, text: str) -> None:
        self._leave_count()
        print(text, flush=True)

    def _leave_count(self) -> None:
        """End the line of the count, if it is one that would be rewritten."""
        if self.rewrites and 0 < self.done < self.total:
            print(flush=True)

    def end(self, code: int) -> None:
        """Say what it took; ``code`` is pip's exit status."""
        if code:
            self._leave_count()
        elif not self.total:
            self._say(f'{self.requirement}: nothing had to be compiled.')
        else:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            wall = _minutes(time.monotonic() - self.began)
            cpu = _minutes(used.ru_utime + used.ru_stime)
            self._say(f'{self.requirement} took {wall}, and {cpu} of CPU time.')


def _minutes(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes} min {seconds} s' if minutes else f'{seconds} s'
