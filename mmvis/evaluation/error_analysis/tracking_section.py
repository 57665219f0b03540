"""The part of the report that says how results do as a tracker's."""

from __future__ import annotations

from html import escape

from ..tracking_metrics.measure import FIELDS, SWEPT, Numbers, TrackMetrics
from ..tracking_metrics.tables import cell
from .html_parts import COLOURS, breakable, legend, line_plot, table

_DRAWN = ('HOTA', 'DetA', 'AssA', 'IDF1')


def tracking_section(measured: TrackMetrics) -> str:
    """Numbers in all, by attribute and category, and along the score."""
    if measured.overall['HOTA'] is None:
        return ''
    rows = {'all': measured.overall, 'mean of categories': measured.mean}
    parts = [
        '<h2>As a tracker</h2>'
        f'<p>Tracks of a score of {measured.score:g} or more, by TrackEval, with the '
        'IoU of masks in a frame. HOTA is made of how well objects are found (DetA) '
        'and followed (AssA); MOTA and sMOTA are what MOTS calls MOTSA and sMOTSA. '
        'AP ranks tracks, here every one counts.</p>',
        _table('', rows),
        _sweep(measured),
    ]
    if measured.attributes:
        parts.append(_table('attribute', measured.attributes))
    parts.append(_table('category', measured.classes))
    return ''.join(parts)


def _table(head: str, rows: dict[str, Numbers]) -> str:
    cells = [
        [breakable(name), *(escape(cell(field, row[field])) for field in FIELDS)]
        for name, row in rows.items()
    ]
    return table([head, *FIELDS], cells, 'heat')


def _sweep(measured: TrackMetrics) -> str:
    best = measured.sweep[measured.best_score]
    curves = {}
    for name, colour in zip(_DRAWN, COLOURS, strict=False):
        values = [float(measured.sweep[score][name] or 0.0) for score in SWEPT]
        style = 'bold' if name == 'HOTA' else 'thin'
        # The plot goes to a score of 1, the sweep to 0.95.
        curves[name] = [*values, 0.0], colour, style
    plot = line_plot(curves, 'lowest score', 'value')
    return (
        f'<p>Of scores from 0 to 0.95, {measured.best_score:g} has the best HOTA, '
        f'{cell("HOTA", best["HOTA"])}: chosen on these very videos.</p>'
        f'<div class="side">{plot}{legend(curves)}</div>'
    )
