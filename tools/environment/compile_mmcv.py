"""Install mmcv with its operators, compiled against the torch that is there.

    python compile_mmcv.py [--meanwhile FILE ...] REQUIREMENT [pip option ...]

pip compiles it (``--no-build-isolation``: in isolation mmcv's build would not see torch
and would leave the operators out without a word) and keeps the wheel in its cache. This
makes the compiling short and visible: a precompiled header (cxx.py), as many processes
as cores and memory allow (MAX_JOBS=... for another number), a line that counts the
files. The header takes one core for itself: what --meanwhile lists is installed then.
At the end an operator is run. Where that fails, the wheel was one of pip's cache,
compiled for another torch or in isolation: it is removed and mmcv built again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from check_machine import Missing, check_compiler, is_compiled, torch_headers
from check_opencv import check_opencv
from compiling import Progress, count_jobs, make_stand_in
from install import PIP, explain

FOLDER = Path(sys.prefix, '.mmvis')
LOG = FOLDER / 'mmcv.log'
USE_OPS = (
    'import torch; from mmcv.ops import nms; '
    'nms(torch.tensor([[0.0, 0, 9, 9]]), torch.ones(1), 0.5)'
)
_NO_NVCC = re.compile(
    r'CUDA_HOME environment variable is not set|CUDA was not found on the system'
)
# In a log, the line that says most comes first: of a compiler, the linker, Python, pip.
_ERRORS = [
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r'^.*: (?:fatal )?error: .*$',
        r'^.*\bld: .*$',
        r'^\s*[\w.]*(?:Error|Exception): .*$',
        r'^\s*(?:ERROR|error): .*$',
    )
]


def build(requirement: str, options: list[str]) -> None:
    """Let pip install ``requirement``, and count the files that it compiles.

    Raises:
        Missing: it cannot; the whole log is in LOG.
    """
    if not is_compiled(requirement):
        check_compiler()
        torch_headers()
    with _temporary_folder() as folder:
        environment = {**os.environ, 'MMCV_WITH_OPS': '1'}
        # ninja, which compiles several files at a time, is in the environment.
        path = [str(Path(sys.executable).parent), os.environ.get('PATH', os.defpath)]
        environment['PATH'] = os.pathsep.join(path)
        environment.setdefault('MAX_JOBS', str(count_jobs()))
        reason = make_stand_in(folder, environment)
        progress = Progress(requirement, int(environment['MAX_JOBS']), reason, folder)
        command = [*PIP, '-v', '--no-build-isolation', *options, requirement]
        code, log = _run(command, environment, progress)
    progress.end(code)
    if code == 0:
        LOG.unlink(missing_ok=True)
        return
    with contextlib.suppress(OSError):
        LOG.write_text(log)
    raise Missing(_why(log))


@contextlib.contextmanager
def install_beside(files: list[str]) -> Iterator[None]:
    """Install what ``files`` list while the caller works, and wait for it at the end.

    Raises:
        Missing: it could not be installed; install.py has said why.
    """
    if not files:
        yield
        return
    command = [sys.executable, str(Path(__file__).with_name('install.py')), '-q']
    for file in files:
        command += ['-r', file]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
        if process.wait():
            raise Missing(
                f'what {", ".join(files)} list cannot be installed; see the lines above'
            )
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, and that an ended run has not left behind.

    It is beside the environment: executable, and on a disk with room for torch.
    """
    folder = FOLDER / 'compiling'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(
    command: list[str], environment: dict[str, str], progress: Progress
) -> tuple[int, str]:
    """Run ``command`` to its exit status and log; whatever ends this ends it too."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
        start_new_session=True,
    )
    log = []
    try:
        for line in process.stdout or ():
            log.append(line)
            progress.read(line)
        return process.wait(), ''.join(log)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            while True:  # until ninja, which ends the compilers, is gone as well
                os.killpg(process.pid, 0)
                time.sleep(0.1)
        raise


def _why(log: str) -> str:
    """What went wrong, from the log of pip, ninja and the compilers."""
    if sentence := explain(log):
        return sentence
    if _NO_NVCC.search(log):
        return (
            'torch sees a GPU and nvcc is not there: install the CUDA toolkit of '
            "torch's version (CUDA_HOME=... says where), or compile for the CPU alone: "
            'make env CUDA_VISIBLE_DEVICES='
        )
    found = next((lines[0] for kind in _ERRORS if (lines := kind.findall(log))), '')
    reason = found.strip() or 'it does not say why'
    return f'mmcv cannot be built ({reason}); everything that was said is in {LOG}'


def ops_work() -> bool:
    """Whether the compiled operators load and run beside the torch that is there."""
    command = [sys.executable, '-c', USE_OPS]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        print((run.stderr.strip().splitlines() or ['It ended.'])[-1])
    return run.returncode == 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--meanwhile',
        action='append',
        default=[],
        metavar='FILE',
        help='requirements to install beside it, with all that mmcv depends on',
    )
    parser.add_argument('requirement', help='for example onedl-mmcv==2.3.6')
    parser.add_argument('options', nargs=argparse.REMAINDER, help='of pip install')
    args = parser.parse_args(argv)
    requirement, options = args.requirement, args.options
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        # Two pips must not install the same package at once: one leaves them alone.
        alone = ['--no-deps'] if args.meanwhile else []
        with install_beside(args.meanwhile):
            build(requirement, [*options, *alone])
        if args.meanwhile and check_opencv():  # mmcv imports it
            raise Missing('OpenCV cannot be imported; see the lines above')
        if ops_work():
            return 0
        print('These operators do not work: building mmcv again.')
        wheels = requirement.partition('==')[0].replace('-', '_')
        subprocess.run([*PIP[:-1], 'cache', 'remove', wheels])
        build(requirement, [*options, '--no-deps', '--force-reinstall'])
        if ops_work():
            return 0
        raise Missing(f'the operators of {requirement} do not work; see the line above')
    except (Missing, OSError) as error:
        print(f'ERROR: {error}.', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
