"""Numbers of trackers as plain text."""

from __future__ import annotations

import io

from rich.table import Table

from ..summary import format_number, plain_console, printable
from .measure import COUNTS, FIELDS, Numbers, TrackMetrics


def cell(name: str, value: float | int | None) -> str:
    """A number as it is shown; counts as they are."""
    if name in COUNTS and value is not None:
        return str(value)
    return format_number(value)


def format_track_metrics(measured: TrackMetrics, classwise: bool = False) -> str:
    """Tables: all, by attribute, by category where asked for, and the sweep's best."""
    stream = io.StringIO()
    console = plain_console(stream)
    rows = {'all': measured.overall, 'mean of categories': measured.mean}
    title = f'Tracks of a score of {measured.score:g} or more, by TrackEval'
    console.print(_table(title, '', rows))
    if measured.attributes:
        console.print(_table(None, 'attribute', measured.attributes))
    if classwise:
        console.print(_table(None, 'category', measured.classes))
    best = measured.sweep[measured.best_score]
    if best['HOTA'] is not None:
        console.print(
            f'Of scores from 0 to 0.95, {measured.best_score:g} has the best HOTA, '
            f'{format_number(best["HOTA"])} (chosen on these very videos).'
        )
    return '\n' + printable(stream.getvalue().rstrip())


def _table(title: str | None, head: str, rows: dict[str, Numbers]) -> Table:
    table = Table(title=title)
    table.add_column(head)
    for name in FIELDS:
        table.add_column(name, justify='right', no_wrap=True)
    for key, row in rows.items():
        table.add_row(key, *(cell(name, row[name]) for name in FIELDS))
    return table
