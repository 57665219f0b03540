"""Sphinx's roles in docstrings (``:class:`VideoResult```) as links of the site.

Docstrings name things as editors know them; Markdown has neither roles nor ``::``.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, NameResolutionError, Object

ROLE = re.compile(r':(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`')


class Roles(Extension):
    """Replaces roles while mmvis is read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Lead each role to what its name is where the docstring stands."""
        if obj.docstring is None:
            return

        def link(match: re.Match) -> str:
            name = match[1]
            try:
                path = obj.resolve(name)
            except NameResolutionError:
                path = name
            # Optional: what has no page keeps its name alone.
            return f'<autoref identifier="{path}" optional>`{name}`</autoref>'

        text = ROLE.sub(link, obj.docstring.value)
        obj.docstring.value = re.sub('::$', ':', text, flags=re.MULTILINE)
