"""How many files at a time, which compiler, and the lines that are shown."""

import importlib
import shutil
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / 'tools/environment'
GB = 2**30


@pytest.fixture
def compiling(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    return importlib.import_module('compiling')


def executable(path, line):
    path.write_text(f'#!/bin/sh\n{line}\n')
    path.chmod(0o755)
    return path


def machine(root, available, **files):
    """A root folder that says how much memory there is."""
    (root / 'proc').mkdir()
    text = f'MemTotal: 99 kB\nMemAvailable:   {available // 1024} kB\n'
    (root / 'proc/meminfo').write_text(text)
    group = root / 'sys/fs/cgroup'
    group.mkdir(parents=True)
    for name, value in files.items():
        (group / name.replace('_', '.')).write_text(f'{value}\n')
    return root


@pytest.mark.parametrize(
    ('files', 'expected'),
    [
        ({}, 8 * GB),
        ({'memory_max': 'max', 'memory_current': GB}, 8 * GB),
        ({'memory_max': 3 * GB, 'memory_current': GB}, 2 * GB),
        ({'memory_max': 30 * GB, 'memory_current': GB}, 8 * GB),
    ],
)
def test_memory_is_the_containers_or_the_machines(tmp_path, compiling, files, expected):
    assert compiling.free_memory(machine(tmp_path, 8 * GB, **files)) == expected


@pytest.mark.parametrize(
    ('cores', 'memory', 'expected'),
    [(2, 8 * GB, 2), (16, 8 * GB, 11), (16, 1.5 * GB, 2), (4, 0.1 * GB, 1)],
)
def test_jobs(compiling, monkeypatch, cores, memory, expected):
    monkeypatch.setattr('os.sched_getaffinity', lambda _: set(range(cores)))
    monkeypatch.setattr(compiling, 'free_memory', lambda: int(memory))
    monkeypatch.setattr(compiling, 'torch_has_cuda', lambda: False)
    assert compiling.count_jobs() == expected


@pytest.mark.parametrize(('name', 'kind'), [('g++', 'gcc'), ('clang++', 'clang')])
def test_kind(compiling, name, kind):
    if not shutil.which(name):
        pytest.skip(f'{name} is not installed')
    assert compiling.compiler_kind([name]) == kind
    assert compiling.compiler_kind(['ccache', name]) == 'ccache'


def test_a_name_that_is_a_link_to_ccache(tmp_path, compiling):
    # As distributions have them, in a folder that comes first on the path.
    executable(tmp_path / 'ccache', 'echo gcc version 12')
    (tmp_path / 'g++').symlink_to('ccache')
    assert compiling.compiler_kind([str(tmp_path / 'g++')]) == 'ccache'


def test_another_compiler_is_kept_without_a_header(tmp_path, compiling):
    tool = executable(tmp_path / 'tool', 'echo version 7 of a compiler')
    folder = tmp_path / 'folder'
    folder.mkdir()
    environment = {'CXX': str(tool), 'PATH': '/usr/bin:/bin'}
    reason = compiling.make_stand_in(folder, environment)
    assert reason == f'{tool} is neither gcc nor clang'
    assert not (folder / 'torch.h').exists()
    assert environment['CXX'] == str(folder / 'tool')


def test_little_room_is_said(tmp_path, compiling, monkeypatch):
    monkeypatch.setattr(compiling, 'HEADER_SPACE', 2**60)
    environment = {'PATH': '/usr/bin:/bin'}
    if not shutil.which('g++', path=environment['PATH']):
        pytest.skip('g++ is not installed')
    reason = compiling.make_stand_in(tmp_path, environment)
    assert str(tmp_path) in reason and 'MB' in reason
    assert not (tmp_path / 'torch.h').exists()


def read(compiling, folder, lines, reason=''):
    progress = compiling.Progress('onedl-mmcv==2.3.6', 2, reason, folder)
    for line in lines:
        progress.read(line + '\n')
    progress.end(0)


BUILD = [
    "  building 'mmcv._ext' extension",
    '  [1/3] c++ -MMD -c a.cpp -o a.o',
    '  [2/3] /usr/local/cuda/bin/nvcc -c b.cu -o b.o',
    '  x.h:3:9: warning: comparison of integer expressions [-Wsign-compare]',
    '  [3/3] c++ -MMD -c c.cpp -o c.o',
]


def test_files_are_counted(tmp_path, compiling, capsys, monkeypatch):
    monkeypatch.setattr(compiling, 'SECONDS_PER_LINE', 0)
    read(compiling, tmp_path, BUILD)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        'Compiling onedl-mmcv==2.3.6, 2 files at a time.',
        *(f'onedl-mmcv: {n} of 3 files' for n in (1, 2, 3)),
    ]
    assert 'CPU time' in lines[4] and len(lines) == 5


def test_lines_are_few_in_a_log_and_one_on_a_terminal(
    tmp_path, compiling, capsys, monkeypatch
):
    many = [BUILD[0], *(f'  [{n}/500] c++' for n in range(1, 501))]
    read(compiling, tmp_path, many)
    assert 'onedl-mmcv: 500 of 500 files' in capsys.readouterr().out.splitlines()[-2]
    monkeypatch.setattr('sys.stdout.isatty', lambda: True, raising=False)
    read(compiling, tmp_path, many)
    out = capsys.readouterr().out
    assert out.count('\n') == 3
    assert out.count('\r') == 500


@pytest.mark.parametrize('cause', ['reason', 'refused', 'failed'])
def test_a_missing_header_is_said_once(tmp_path, compiling, capsys, cause):
    build, reason = list(BUILD), ''
    if cause == 'reason':
        reason = 'why it is'
    elif cause == 'refused':
        line = 'cc1plus: warning: torch.h.gch: why it is [-Winvalid-pch]'
        build[2:2] = [line, line]
    else:
        (tmp_path / 'failed').write_text('why it is')
    read(compiling, tmp_path, build, reason)
    out = capsys.readouterr().out
    assert out.count('No precompiled header') == out.count('why it is') == 1


def test_a_wheel_of_the_cache_is_not_compiled(tmp_path, compiling, capsys):
    read(compiling, tmp_path, ['  Using cached onedl_mmcv-2.3.6.whl'])
    assert capsys.readouterr().out == (
        'onedl-mmcv==2.3.6: nothing had to be compiled.\n'
    )
