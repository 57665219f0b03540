"""Tables of a document that a script writes, between fences that name them."""

from __future__ import annotations

import re
from pathlib import Path


def with_table(page: str, name: str, table: str) -> str:
    """A page with another table in the fence of this name.

    Raises:
        ValueError: The page has no such fence.
    """
    begin, end = f'<!-- {name}: begin -->', f'<!-- {name}: end -->'
    fence = re.compile(f'{begin}.*?{end}', re.DOTALL)
    if not fence.search(page):
        raise ValueError(f'There is no "{begin} ... {end}" in the page.')
    return fence.sub(lambda _: f'{begin}\n{table}\n{end}', page)


def write_table(path: Path, name: str, table: str) -> None:
    """Put a table into a page."""
    path.write_text(with_table(path.read_text(), name, table))


def rows_of(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
