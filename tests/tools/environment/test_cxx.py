"""The stand-in for the compiler, with real compilers and a small torch/types.h."""

import ctypes
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from processes import run_bounded

CXX = Path(__file__).parents[3] / 'tools/environment/cxx.py'
# What Python compiles with, and -H: the compiler names each header that it reads.
OPTIONS = ['-O3', '-g', '-fPIC', '-H']


@pytest.fixture(params=['g++', 'clang++'])
def compiler(request):
    if not shutil.which(request.param):
        pytest.skip(f'{request.param} is not installed')
    return request.param


@pytest.fixture
def place(tmp_path):
    (tmp_path / 'made').mkdir()
    (tmp_path / 'made/extra').touch()
    (tmp_path / 'made/torch.h').write_text('#include <torch/types.h>\n')
    (tmp_path / 'include/torch').mkdir(parents=True)
    (tmp_path / 'include/torch/types.h').write_text(
        '#pragma once\n#ifndef N\n#define N 7\n#endif\n'
        'template <int M> struct Sum { enum { value = M + Sum<M - 1>::value }; };\n'
        'template <> struct Sum<0> { enum { value = 0 }; };\n'
        'inline int sum() { return Sum<N>::value; }\n'
    )
    for name in 'abcd':
        (tmp_path / f'{name}.cpp').write_text(
            f'#include <torch/types.h>\nextern "C" int {name}() {{ return sum(); }}\n'
        )
    return tmp_path


def command(place, compiler, name, options=OPTIONS):
    return [
        *(sys.executable, '-I', '-S', CXX, place / 'made', compiler, '--', *options),
        *('-MMD', '-MF', f'{name}.o.d', '-Iinclude', '-c', f'{name}.cpp'),
        *('-o', f'{name}.o'),
    ]


def compile_file(place, compiler, name, options=OPTIONS, **kwargs):
    """Compile; what was said, among it the headers that were read."""
    run = run_bounded(
        command(place, compiler, name, options),
        cwd=place,
        **kwargs,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


def reads_torch(said):
    return 'torch/types.h' in said


def test_the_header_is_parsed_once(place, compiler):
    for name in 'ab':
        assert not reads_torch(compile_file(place, compiler, name))
    assert {path.name for path in (place / 'made').iterdir()} == {
        *('torch.h', 'extra', 'torch.h.gch', 'options', 'lock')
    }


def test_objects_are_the_same_as_without_it(place, compiler):
    compile_file(place, compiler, 'a')
    plain = [compiler, '-O3', '-fPIC', '-Iinclude', '-c', 'a.cpp', '-o', 'plain.o']
    assert run_bounded(plain, cwd=place).returncode == 0
    assert (place / 'a.o').read_bytes() == (place / 'plain.o').read_bytes()


def test_other_options_are_compiled_as_they_say(place, compiler):
    compile_file(place, compiler, 'a')
    assert reads_torch(compile_file(place, compiler, 'b', [*OPTIONS, '-DN=9']))
    link = command(place, compiler, 'x')[:7]
    link += ['-shared', 'a.o', 'b.o', '-o', 'ab.so']
    assert run_bounded(link, cwd=place).returncode == 0
    library = ctypes.CDLL(str(place / 'ab.so'))
    assert (library.a(), library.b()) == (28, 45)


def test_several_at_once(place, compiler):
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda name: compile_file(place, compiler, name), 'abcd'))
    assert not any(map(reads_torch, said))


def test_a_header_that_cannot_be_made(place, compiler):
    (place / 'made/torch.h').write_text('#include <torch/missing.h>\n')
    for name in 'ab':
        assert reads_torch(compile_file(place, compiler, name))
    assert 'missing.h' in (place / 'made/failed').read_text()
    assert not (place / 'made/torch.h.gch').exists()


def test_without_torch_h_there_is_no_header(place, compiler):
    (place / 'made/torch.h').unlink()
    assert reads_torch(compile_file(place, compiler, 'a'))
    assert [path.name for path in (place / 'made').iterdir()] == ['extra']


@pytest.mark.parametrize('users', ['CFLAGS', 'CXXFLAGS', None])
def test_debug_information_is_for_who_asks(place, compiler, users, monkeypatch):
    for name in ('CFLAGS', 'CXXFLAGS'):
        monkeypatch.delenv(name, raising=False)
    if users:
        monkeypatch.setenv(users, '-g')
    compile_file(place, compiler, 'a')
    assert (b'.debug_info' in (place / 'a.o').read_bytes()) == bool(users)


def test_errors_are_the_compilers(place, compiler):
    (place / 'a.cpp').write_text('#include <torch/types.h>\nint a = "seven";\n')
    run = run_bounded(command(place, compiler, 'a'), cwd=place)
    assert run.returncode == 1
    assert 'a.cpp:2:' in run.stderr
