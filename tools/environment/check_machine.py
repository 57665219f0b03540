"""Say in one sentence what this machine lacks to set mmvis up.

    python check_machine.py VENV REQUIREMENT [--torch]

VENV is where the environment goes, REQUIREMENT pins mmcv (``onedl-mmcv==2.3.6``) and
--torch says that this Python has no torch to keep. It runs before anything is
downloaded, by the Python that the environment starts from, so it imports nothing but
the standard library. Exit status 1 comes with a sentence on stderr.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

MEGABYTE = 2**20
# An environment with a torch for CPUs takes 2.0 GB, 0.75 of them torch. Builds for GPUs
# take several times more, which is seen when it happens.
SPACE_WITH_TORCH = 2500 * MEGABYTE
SPACE = 1500 * MEGABYTE
TEMPORARY_SPACE = 300 * MEGABYTE


class Missing(Exception):
    """What is missing and what to do, in one sentence."""


def find_compiler(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The C++ compiler as words: CXX, or the first of c++, g++ and clang++.

    Raises:
        Missing: there is none.
    """
    path = environment.get('PATH')
    words = shlex.split(environment.get('CXX', ''))
    if words:
        if not shutil.which(words[0], path=path):
            raise Missing(f'CXX names {words[0]!r}, which is not there')
        return words
    for name in ('c++', 'g++', 'clang++'):
        if shutil.which(name, path=path):
            return [name]
    raise Missing(
        'mmcv is compiled, and there is no C++ compiler (Debian: apt install g++; '
        'or name one: make env CXX=...)'
    )


def check_compiler(
    environment: Mapping[str, str] = os.environ, include: str | None = None
) -> None:
    """Check that C++ and Python's headers can be compiled.

    Args:
        environment: of the compiler.
        include: the folder of Python.h; None for this Python's.

    Raises:
        Missing: they cannot.
    """
    compiler = find_compiler(environment)
    if error := _compile(compiler, '#include <vector>\n', [], environment):
        raise Missing(f'{shlex.join(compiler)} cannot compile C++17: {error}')
    include = include or sysconfig.get_path('include')
    if error := _compile(compiler, '#include <Python.h>\n', [include], environment):
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        raise Missing(
            f"mmcv is compiled, and Python {version}'s headers are not in {include} "
            f'(Debian: apt install python{version}-dev): {error}'
        )


def _compile(
    compiler: list[str],
    source: str,
    folders: list[str],
    environment: Mapping[str, str],
) -> str:
    """Compile ``source`` and keep nothing; the first error, or ''."""
    options = [f'-I{folder}' for folder in folders]
    run = subprocess.run(
        [*compiler, '-std=c++17', *options, '-fsyntax-only', '-x', 'c++', '-'],
        input=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
        env={**environment, 'LC_ALL': 'C'},
    )
    if run.returncode == 0:
        return ''
    lines = run.stdout.strip().splitlines() or [f'exit status {run.returncode}']
    return next((line for line in lines if 'error' in line), lines[0])


def torch_headers() -> Path:
    """The folder of torch's headers; torch itself is not imported.

    Raises:
        Missing: this torch has none, as those of some Linux distributions.
    """
    spec = importlib.util.find_spec('torch')
    if spec is None or not spec.origin:
        raise Missing('torch is not installed')
    include = Path(spec.origin).parent / 'include'
    if not (include / 'torch/csrc/api/include/torch/types.h').is_file():
        raise Missing(
            f'mmcv is compiled, and the torch in {include.parent} comes without its '
            'C++ headers: start from a Python without it (make distclean, then '
            'make env PYTHON=...), and torch is installed with them'
        )
    return include


def check_space(folder: Path, needed: int, what: str) -> None:
    """Check that the disk of ``folder``, which may not be there yet, has room.

    Raises:
        Missing: it has fewer than ``needed`` bytes.
    """
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Missing(
            f'the disk is full: {folder} has {free // MEGABYTE} MB left and '
            f'{what} takes {needed // MEGABYTE} MB'
        )


def is_compiled(requirement: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether mmcv is there already, installed or as a wheel in pip's cache."""
    name, _, version = requirement.partition('==')
    try:
        if importlib.metadata.version(name) == version:
            return True
    except importlib.metadata.PackageNotFoundError:
        pass
    home = environment.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    cache = Path(environment.get('PIP_CACHE_DIR') or os.path.join(home, 'pip'))
    tag = f'cp{sys.version_info.major}{sys.version_info.minor}'
    wheel = f'{name.replace("-", "_")}-{version}-{tag}-*.whl'
    return any((cache / 'wheels').rglob(wheel))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('venv', type=Path)
    parser.add_argument('requirement')
    parser.add_argument('--torch', action='store_true')
    args = parser.parse_args(argv)
    needed = SPACE_WITH_TORCH if args.torch else SPACE
    try:
        check_space(args.venv, needed, 'an environment (VENV=... puts it elsewhere)')
        check_space(
            Path(tempfile.gettempdir()),
            TEMPORARY_SPACE,
            'unpacking and compiling (TMPDIR=... does it elsewhere)',
        )
        if not is_compiled(args.requirement):
            check_compiler()
            if not args.torch:
                torch_headers()
    except (Missing, OSError) as error:
        print(f'ERROR: {error}.', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
