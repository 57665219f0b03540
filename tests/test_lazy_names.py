"""Public names of packages that import their modules late."""

import ast
import importlib
import sys
import types
from pathlib import Path

import pytest
from processes import run_bounded

import mmvis

PACKAGE = Path(mmvis.__file__).parent
LAZY = [
    '.'.join(path.parent.relative_to(PACKAGE.parent).parts)
    for path in sorted(PACKAGE.rglob('__init__.py'))
    if 'lazy_names(__name__)' in path.read_text()
]


def source_of(name: str) -> ast.Module:
    return ast.parse(Path(importlib.import_module(name).__file__).read_text())


def test_packages_are_found():
    assert {'mmvis', 'mmvis.apis', 'mmvis.datasets', 'mmvis.structures'} <= {*LAZY}


@pytest.mark.parametrize('name', LAZY)
def test_all_names_are_there(name):
    package = importlib.import_module(name)
    assert list(package.__all__) == sorted(package.__all__, key=_as_ruff_sorts)
    for public in package.__all__:
        value = getattr(package, public)
        assert vars(package)[public] is value  # the next access is an ordinary one
        assert public in dir(package)
        if isinstance(value, type | types.FunctionType):
            assert value.__name__ == public


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize('name', LAZY)
def test_nothing_is_imported_for_type_checkers_alone(name):
    blocks = [
        block
        for block in source_of(name).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == 'TYPE_CHECKING'
    ]
    for_checkers = {
        a.name for block in blocks for line in block.body for a in line.names
    }
    assert for_checkers <= {*importlib.import_module(name).__all__}


@pytest.mark.parametrize('name', LAZY)
def test_no_module_takes_a_lazy_name(name):
    """An imported module becomes an attribute of its package: before any lazy one."""
    package = importlib.import_module(name)
    for public in package.__all__:
        for folder in map(Path, package.__path__):
            if (folder / f'{public}.py').is_file():
                code = (
                    f'import importlib; importlib.import_module("{name}.{public}"); '
                    f'from {name} import {public}; print(type({public}).__name__)'
                )
                words = [sys.executable, '-c', code]
                kind = run_bounded(words).stdout
                expected = type(getattr(package, public)).__name__
                assert kind.split()[-1:] == [expected]


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match=r"'mmvis\.datasets' has no attribute 'X'"):
        mmvis.datasets.X  # noqa: B018
    with pytest.raises(ImportError, match='cannot import name'):
        from mmvis.structures import no_such_name  # noqa: F401


def test_star_gives_what_is_public():
    namespace: dict = {}
    exec('from mmvis.structures import *', namespace)
    assert {*mmvis.structures.__all__} <= {*namespace}
