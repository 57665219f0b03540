"""Public names of a package whose modules are imported when a name is first asked for.

A package's ``__init__`` imports its names for type checkers alone, and says so once:

    if TYPE_CHECKING:
        from .youtube_vis import YouTubeVISDataset
    else:
        __getattr__, __dir__ = lazy_names(__name__)

    __all__ = ['YouTubeVISDataset']

``from mmvis.datasets import YouTubeVISDataset`` then imports the module that has it,
and a command that reads an annotation file does not wait for torch and mmdet.
"""

import ast
import importlib.util
import sys
from collections.abc import Callable
from typing import Any


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Args:
        package (str): Its ``__name__``. The ``from`` imports under its
            ``if TYPE_CHECKING`` say where its names are.
    """
    places = _places(package)
    namespace = vars(sys.modules[package])

    def __getattr__(name: str) -> Any:
        if name not in places:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        module, attribute = places[name]
        try:
            value = importlib.import_module(module)
        except (ImportError, AssertionError):
            # Of a dependency that does not work, the check knows what to type.
            from .dependencies import check_dependencies

            check_dependencies()
            raise
        if attribute is not None:
            value = getattr(value, attribute)
        namespace[name] = value  # so that it is asked for once
        return value

    def __dir__() -> list[str]:
        return sorted({*namespace, *places})

    return __getattr__, __dir__


def _places(package: str) -> dict[str, tuple[str, str | None]]:
    """Name to the module that has it and what it is called there; None: the module."""
    source = vars(sys.modules[package])['__loader__'].get_source(package)
    places: dict[str, tuple[str, str | None]] = {}
    for block in ast.parse(source).body:
        if not isinstance(block, ast.If) or not isinstance(block.test, ast.Name):
            continue
        for line in block.body if block.test.id == 'TYPE_CHECKING' else ():
            assert isinstance(line, ast.ImportFrom), ast.unparse(line)
            module = '.' * line.level + (line.module or '')
            module = importlib.util.resolve_name(module, package)
            for alias in line.names:
                name = alias.asname or alias.name
                if line.module is None:  # from . import module
                    places[name] = f'{module}.{alias.name}', None
                else:
                    places[name] = module, alias.name
    return places
