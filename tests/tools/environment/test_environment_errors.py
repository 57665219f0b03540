"""`make env` on a machine that lacks something: one sentence, and nothing is made."""

import importlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from processes import run_bounded

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / 'tools/environment'
# The interpreter that this environment was made from.
PYTHON = Path(sys._base_executable).resolve()
# A version that is neither installed nor in pip's cache: compiling is what remains.
MMCV = 'onedl-mmcv==0.0.0'


@pytest.fixture
def check_machine(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    return importlib.import_module('check_machine')


def make_env(venv, python=PYTHON, before=(), **environment):
    """Run ``make env``; exit status and the lines of stderr that are not make's."""
    run = run_bounded(
        [*before, 'make', 'env', f'PYTHON={python}', f'VENV={venv}', f'MMCV={MMCV}'],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': '', **environment},
    )
    lines = [line for line in run.stderr.splitlines() if not line.startswith('make')]
    return run.returncode, lines


def only_error(result):
    """The one sentence of an outcome that is an error."""
    code, lines = result
    assert code != 0
    assert len(lines) == 1, lines
    assert lines[0].startswith('ERROR: ') and lines[0].endswith('.')
    return lines[0]


@pytest.fixture
def bare_path(tmp_path):
    """A folder for PATH with what the recipes call, and no compiler."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    for name in ('bash', 'make', 'dirname', 'head', 'tail', 'grep', 'mkdir', 'touch'):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_no_compiler(tmp_path, bare_path):
    error = only_error(make_env(tmp_path / 'venv', PATH=str(bare_path), CXX=''))
    assert 'no C++ compiler' in error and 'apt install g++' in error
    assert not (tmp_path / 'venv').exists()


def test_a_compiler_that_is_not_there(tmp_path):
    error = only_error(make_env(tmp_path / 'venv', CXX='g++-none'))
    assert "CXX names 'g++-none'" in error


def test_a_compiler_that_cannot_compile(tmp_path):
    broken = tmp_path / 'c++'
    broken.write_text('#!/bin/sh\necho "x.h:1: error: no such thing"\nexit 1\n')
    broken.chmod(0o755)
    error = only_error(make_env(tmp_path / 'venv', CXX=str(broken)))
    assert f'{broken} cannot compile C++17: x.h:1: error: no such thing' in error


def test_no_python_headers(tmp_path, check_machine):
    if not shutil.which('c++'):
        pytest.skip('no compiler is installed')
    check_machine.check_compiler()  # it is the folder that makes the difference
    with pytest.raises(check_machine.Missing, match='headers are not in') as caught:
        check_machine.check_compiler(include=str(tmp_path))
    message = str(caught.value)
    assert str(tmp_path) in message and '-dev' in message and '\n' not in message


def test_a_torch_without_headers(tmp_path):
    torch = tmp_path / 'site/torch'
    torch.mkdir(parents=True)
    (torch / '__init__.py').write_text("__version__ = '2.13.0'\n")
    (torch / 'version.py').write_text("__version__ = '2.13.0'\ncuda = None\n")
    error = only_error(
        make_env(tmp_path / 'venv', PYTHONPATH=str(torch.parent), CXX='')
    )
    assert str(torch) in error and 'without its C++ headers' in error
    assert not (tmp_path / 'venv').exists()


@pytest.fixture
def small_disk(tmp_path):
    """Words that run a command with a disk of 8 MB, and where that is."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    mount = f'mount -t tmpfs -o size=8m none {folder} && exec "$@"'
    for user in ([], ['--user', '--map-root-user']):
        words = ['unshare', *user, '--mount', 'sh', '-c', mount, 'sh']
        if run_bounded([*words, 'true'], stderr=subprocess.DEVNULL).returncode == 0:
            return words, folder
    pytest.skip('this machine does not let a test mount a disk')


@pytest.mark.parametrize('what', ['venv', 'TMPDIR'])
def test_a_full_disk_before(tmp_path, small_disk, what):
    words, disk = small_disk
    venv = (disk if what == 'venv' else tmp_path) / 'venv'
    temporary = {'TMPDIR': str(disk)} if what == 'TMPDIR' else {}
    error = only_error(make_env(venv, before=words, **temporary))
    assert f'the disk is full: {disk} has 8 MB left' in error
    assert not venv.exists()


def test_a_full_disk_while_installing(tmp_path, small_disk):
    words, disk = small_disk
    wheel = tmp_path / 'large-1-py3-none-any.whl'
    info = 'large-1.dist-info'
    with zipfile.ZipFile(wheel, 'w') as file:
        file.writestr('large.bin', os.urandom(12 * 2**20))
        file.writestr(
            f'{info}/METADATA', 'Metadata-Version: 2.1\nName: large\nVersion: 1\n'
        )
        tags = 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'
        file.writestr(f'{info}/WHEEL', tags)
        file.writestr(f'{info}/RECORD', '')
    install = [sys.executable, TOOLS / 'install.py', '-q', '--no-deps', '--no-index']
    run = run_bounded(
        [*words, *install, '--target', disk / 'site', wheel],
        env={**os.environ, 'TMPDIR': str(disk)},
    )
    assert run.returncode != 0
    last = run.stderr.splitlines()[-1]
    assert last.startswith('ERROR: the disk is full')
    assert f'8 MB in {disk}' in last and 'VENV=...' in last


def test_a_python_that_does_not_run(tmp_path):
    shim = tmp_path / 'python3.12'
    shim.write_text('#!/bin/sh\necho "python3.12: command not found" >&2\nexit 127\n')
    shim.chmod(0o755)
    error = only_error(make_env(tmp_path / 'venv', python=shim))
    assert f'{shim} does not run (python3.12: command not found)' in error


@pytest.mark.parametrize('text', ['2.7', '3.9'])
def test_a_python_that_is_too_old(tmp_path, text):
    old = tmp_path / 'old'
    # It prints its version; asked whether it is old, it agrees.
    old.write_text(f'#!/bin/sh\ncase "$2" in *exit*) exit 1;; esac\necho {text}\n')
    old.chmod(0o755)
    error = only_error(make_env(tmp_path / 'venv', python=old))
    assert f'{old} is Python {text}, older than 3.10' in error


def test_another_python_than_the_environments(tmp_path):
    binaries = tmp_path / 'venv/bin'
    binaries.mkdir(parents=True)
    for name in ('python', 'pip'):
        (binaries / name).write_text('#!/bin/sh\necho 3.99\n')
        (binaries / name).chmod(0o755)
    # Also when everything in it is up to date.
    stamps = tmp_path / 'venv/.mmvis'
    stamps.mkdir()
    for name in ('venv', 'torch', 'mmcv', 'packages', 'mmvis'):
        (stamps / name).touch()
    error = only_error(make_env(tmp_path / 'venv'))
    assert f'{tmp_path}/venv has Python 3.99 and {PYTHON} is 3.' in error


@pytest.mark.parametrize(
    ('log', 'sentence'),
    [
        ('OSError: [Errno 28] No space left on device', 'the disk is full'),
        (
            'c++: fatal error: Killed signal terminated program cc1plus',
            'memory ran out',
        ),
        ('FAILED: [code=137] /tmp/build/nms.o', 'memory ran out'),
        ('Failed to resolve (NameResolutionError("x"))', 'cannot be reached'),
        ('ERROR: No matching distribution found for errno 280', ''),
    ],
)
def test_what_a_log_says(monkeypatch, log, sentence):
    monkeypatch.syspath_prepend(TOOLS)
    explained = importlib.import_module('install').explain(log)
    assert sentence in explained and bool(sentence) == bool(explained)
    assert '\n' not in explained
