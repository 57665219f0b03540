"""Every public name of mmvis is on a page: what no page shows is a warning."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parents[2]
LOG = logging.getLogger('mkdocs.hooks.public_names')


def on_post_build(*, config: MkDocsConfig) -> None:
    """Look for the anchor of each name in what was built."""
    pages = Path(config.site_dir, 'api').rglob('*.html')
    text = '\n'.join(page.read_text() for page in pages)
    anchors = set(re.findall(r'id="(mmvis\.[\w.]+)"', text))
    for package, name in public_names():
        # A function that shares its name with a module is shown under its own file's.
        shown = f'{package}.{name}' in anchors or any(
            re.fullmatch(rf'{re.escape(package)}\.\w+\.{name}', anchor)
            for anchor in anchors
        )
        if not shown:
            LOG.warning(
                f'{package}.{name} is public and on no page of docs/en/api: give it a '
                'docstring, and its package a page.'
            )


def public_names() -> Iterator[tuple[str, str]]:
    """Package and name of all in ``__all__``, but for packages and modules."""
    for path in sorted((ROOT / 'mmvis').rglob('__init__.py')):
        package = '.'.join(path.parent.relative_to(ROOT).parts)
        for name in _all_of(path):
            folder = path.parent / name
            if not (name.startswith('__') or folder.is_dir() or _is_module(path, name)):
                yield package, name


def _all_of(path: Path) -> list[str]:
    for node in ast.parse(path.read_text()).body:
        names = [getattr(t, 'id', '') for t in getattr(node, 'targets', [])]
        if names == ['__all__']:
            return ast.literal_eval(node.value)
    return []


def _is_module(path: Path, name: str) -> bool:
    """Whether a name is imported as a module: ``from . import checkpoint``."""
    imports = (
        n
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.ImportFrom)
    )
    return any(
        node.module is None and any(alias.name == name for alias in node.names)
        for node in imports
    )
