"""The table of what ``gpu.py`` has found, for a document."""

from __future__ import annotations

from typing import Any

from .pages import rows_of


def table(content: dict[str, Any]) -> str:
    """Milliseconds a frame, a row for each model and precision.

    Args:
        content (dict): Of the json of ``gpu.py``.
    """
    chunk = content['settings']['chunk']
    kinds = [f'{what} {n} (ms)' for what in ('network', 'frame') for n in (1, chunk)]
    head = ['', *(kind.replace(' (ms)', ' at once') for kind in kinds)]
    head.append('exported network, 1 at once')
    rows = []
    for name in content['settings']['models']:
        for precision in ('fp32', 'fp16', 'bf16'):
            part, graph, exported = (
                content['parts'].get(f'{name} {words}', {})
                for words in (precision, f'{precision} graph', f'exported {precision}')
            )
            cells = [
                ' / '.join(_number(found, kind) for found in (part, graph))
                for kind in kinds
            ]
            cells.append(_number(exported, 'network 1 (ms)'))
            rows.append([f'{name}, {precision}', *cells])
    return rows_of(head, rows)


def _number(found: dict[str, Any], key: str) -> str:
    return f'{found[key]:.2f}' if key in found else '-'
