"""Pages of the site that lie outside of docs/en: README, changelog, contributing.

MkDocs reads one folder. These files stay where a reader of the repository expects them
and become pages here, with their links led to the site's pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    'README.md': 'index.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
    'configs/README.md': 'configs.md',
}
# Files that a page links to and that are no pages: their text is the link's.
LINK = re.compile(r'\[([^\]]+)\]\(([^)\s]+)\)')


def on_files(files: Files, *, config: MkDocsConfig, **_: Any) -> Files:
    """Add the pages."""
    for source, target in PAGES.items():
        text = LINK.sub(_link_in(source), (ROOT / source).read_text())
        files.append(File.generated(config, target, content=text))
    return files


def _link_in(source: str):
    """Replaces a link of a page of the repository by one of the site."""
    folder = (ROOT / source).parent

    def replace(match: re.Match) -> str:
        text, target = match.groups()
        path, _, anchor = target.partition('#')
        if '://' in target or not path:
            return match[0]
        name = (folder / path).resolve().relative_to(ROOT).as_posix()
        page = PAGES.get(name) or (
            name.removeprefix('docs/en/') if name.startswith('docs/en/') else None
        )
        if page is None:
            return f'`{name}`' if text != f'`{name}`' else text
        return f'[{text}]({page}{"#" + anchor if anchor else ""})'

    return replace
