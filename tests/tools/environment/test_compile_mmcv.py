"""pip, torch's build and the stand-in together, on a package of three small files.

Its torch/types.h comes before torch's, so that compiling takes no minutes. Its nvcc
notes what it is asked and lets the C++ compiler do it.
"""

import importlib
import io
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from processes import run_bounded

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not shutil.which('g++'), reason='g++ is not installed'),
]
TOOLS = Path(__file__).parents[3] / 'tools/environment'
FILES = {
    'PKG-INFO': 'Metadata-Version: 2.1\nName: toy-ops\nVersion: 1.0\n',
    'setup.py': """
import os
from setuptools import setup
from torch.utils import cpp_extension
from torch.utils.cpp_extension import BuildExtension, CppExtension

# A torch for CPUs does not look for it.
cpp_extension.CUDA_HOME = os.environ['CUDA_HOME']
flags = ['-std=c++17']
extension = CppExtension(
    'toy_ops', ['a.cpp', 'b.cpp', 'c.cu'], include_dirs=[os.path.abspath('include')],
    extra_compile_args={'cxx': flags, 'nvcc': flags})
setup(name='toy-ops', version='1.0', py_modules=[], ext_modules=[extension],
      cmdclass={'build_ext': BuildExtension})
""",
    'include/torch/types.h': '#pragma once\ninline int seven() { return 7; }\n',
    'a.cpp': """
#include <Python.h>
#include <torch/types.h>
int b(), c();
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "toy_ops", 0, -1};
PyMODINIT_FUNC PyInit_toy_ops() {
  PyObject* module = PyModule_Create(&def);
  PyModule_AddIntConstant(module, "sum", seven() + b() + c());
  return module;
}
""",
    'b.cpp': '#include <torch/types.h>\nint b() { return 10 * seven(); }\n',
    'c.cu': '#include <torch/types.h>\nint c() { return 100 * seven(); }\n',
}
NVCC = """#!/bin/sh
[ "$1" = --version ] && echo "Cuda compilation tools, release 12.6, V12.6.1" && exit
echo "$@" >>'{asked}'
while [ "$1" != -c ] || [ "$2" = -c ]; do shift; done
exec g++ -fPIC -I '{include}' -x c++ -c "$2" -o "$4"
"""


@pytest.fixture
def compile_mmcv(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    module = importlib.import_module('compile_mmcv')
    (tmp_path / 'environment').mkdir()
    monkeypatch.setattr(module, 'FOLDER', tmp_path / 'environment')
    monkeypatch.setattr(module, 'LOG', tmp_path / 'environment/mmcv.log')
    return module


@pytest.fixture
def build(tmp_path, compile_mmcv, monkeypatch):
    """Build the package with some files changed."""
    nvcc = tmp_path / 'cuda/bin/nvcc'
    nvcc.parent.mkdir(parents=True)
    include = tmp_path / 'include/torch'
    include.mkdir(parents=True)
    (include / 'types.h').write_text(FILES['include/torch/types.h'])
    nvcc.write_text(NVCC.format(asked=tmp_path / 'asked', include=tmp_path / 'include'))
    nvcc.chmod(0o755)
    monkeypatch.setenv('CUDA_HOME', str(tmp_path / 'cuda'))
    monkeypatch.setenv('TORCH_CUDA_ARCH_LIST', '8.0')
    monkeypatch.setenv('CXX', 'g++')

    def run(**changed):
        with tarfile.open(tmp_path / 'toy_ops-1.0.tar.gz', 'w:gz') as file:
            for name, text in {**FILES, **changed}.items():
                info = tarfile.TarInfo(f'toy_ops-1.0/{name}')
                info.size = len(text)
                file.addfile(info, io.BytesIO(text.encode()))
        offline = ['--no-index', '--no-deps', '--no-cache-dir']
        places = ['--find-links', str(tmp_path), '--target', str(tmp_path / 'site')]
        compile_mmcv.build('toy-ops==1.0', [*offline, *places])

    return run


def test_a_build_with_a_header_and_with_nvcc(tmp_path, build, capsys):
    build()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith('Compiling toy-ops==1.0')
    assert said[-2] == 'toy-ops: 3 of 3 files'
    assert not [line for line in said if 'precompiled' in line]
    assert not list((tmp_path / 'environment').iterdir())

    script = 'import torch, toy_ops; print(toy_ops.sum)'
    used = run_bounded(
        [sys.executable, '-c', script],
        env={'PYTHONPATH': str(tmp_path / 'site')},
    )
    assert used.stdout == '777\n'

    (asked,) = (tmp_path / 'asked').read_text().splitlines()
    assert 'c.cu' in asked and 'arch=compute_80' in asked
    for option in (
        '-include',
        '-Winvalid-pch',
        '-ccbin',
        str(tmp_path / 'environment'),
    ):
        assert option not in asked.split()


def test_a_header_that_cannot_be_made_costs_time_only(tmp_path, build, capsys):
    # Included by torch.h alone, it lacks what the files define before.
    header = (
        '#ifndef N\n#error N is not said\n#endif\ninline int seven() { return N; }\n'
    )
    files = {name: f'#define N 7\n{FILES[name]}' for name in ('a.cpp', 'b.cpp')}
    build(**{'include/torch/types.h': header, **files})
    said = capsys.readouterr().out
    assert said.count('No precompiled header') == 1
    assert 'N is not said' in said
    assert list((tmp_path / 'site').glob('toy_ops*.so'))


def test_an_error_of_the_compiler(tmp_path, build, compile_mmcv):
    with pytest.raises(compile_mmcv.Missing) as caught:
        build(**{'b.cpp': 'int b() { return "seven"; }\n'})
    log = tmp_path / 'environment/mmcv.log'
    assert 'b.cpp:1:' in str(caught.value) and str(log) in str(caught.value)
    assert '\n' not in str(caught.value)
    assert 'b.cpp:1:' in log.read_text()
    assert [path.name for path in log.parent.iterdir()] == ['mmcv.log']
