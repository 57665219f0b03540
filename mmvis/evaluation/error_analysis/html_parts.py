"""Small pieces of HTML: numbers, heat cells, bars, a plot, images as data."""

import base64
import math
import re
from collections.abc import Mapping, Sequence
from html import escape

import cv2
import numpy as np

_JPEG_QUALITY = 82
# Okabe and Ito's colours: told apart with colour-blind eyes too.
COLOURS = (
    '#0072B2',
    '#D55E00',
    '#009E73',
    '#CC79A7',
    '#E69F00',
    '#56B4E9',
    '#7A5195',
    '#8A7F00',
)


def number(value: float | None, signed: bool = False) -> str:
    """A fraction with three decimals, as every table of the metric has it."""
    if value is None or not math.isfinite(value):
        return '-'
    # No "-0.000" for what rounding left of nothing.
    value = round(value, 3) + 0.0
    return f'{value:+.3f}' if signed and value else f'{value:.3f}'


def breakable(name: str) -> str:
    """A name for a narrow cell, escaped: it may be broken at its parts."""
    parts = re.findall(r'[^\s_/.-]{1,14}[\s_/.-]*|[\s_/.-]+', name)
    return '<wbr>'.join(escape(part) for part in parts)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = '') -> str:
    """A table of ready cells; those that do not begin with ``<td`` are wrapped."""
    lines = [f'<div class="scroll"><table class="{kind}"><thead><tr>']
    lines += [f'<th>{cell}</th>' for cell in head]
    lines.append('</tr></thead><tbody>')
    for row in rows:
        cells = [c if c.startswith('<td') else f'<td>{c}</td>' for c in row]
        lines.append(f'<tr>{"".join(cells)}</tr>')
    lines.append('</tbody></table></div>')
    return '\n'.join(lines)


def heat_cell(text: str, share: float, strong: bool = False) -> str:
    """A cell whose background grows with ``share`` from 0 to 1."""
    share = min(max(share if math.isfinite(share) else 0.0, 0.0), 1.0)
    hue = '0, 114, 178' if strong else '213, 94, 0'
    ink = ' class="light"' if share > 0.8 else ''
    return f'<td{ink} style="background: rgba({hue}, {0.85 * share:.3f})">{text}</td>'


def bar_cell(value: float | None, largest: float, colour: str) -> str:
    """A cell with a bar and its number."""
    share = 0.0 if value is None or largest <= 0 else max(value, 0.0) / largest
    bar = f'<i style="width: {100 * share:.1f}%; background: {colour}"></i>'
    text = number(value, signed=True)
    return f'<td class="bar"><span>{bar}</span><b>{text}</b></td>'


def image(pixels: np.ndarray, caption: str) -> str:
    """An ``img`` that carries a (h, w, 3) uint8 BGR picture."""
    done, data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ValueError(f'a frame of shape {pixels.shape} cannot be written as JPEG')
    text = base64.b64encode(data.tobytes()).decode('ascii')
    return f'<img alt="{escape(caption)}" src="data:image/jpeg;base64,{text}">'


def line_plot(
    curves: Mapping[str, tuple[Sequence[float], str, str]],
    x_title: str,
    y_title: str,
    width: int = 560,
    height: int = 330,
) -> str:
    """Curves over [0, 1] with values in [0, 1], as SVG with a title a curve.

    Args:
        curves: name to (values at even steps, colour, class: 'thin', 'bold', 'dashed').
    """
    left, top, right, bottom = 48, 12, 12, 42
    inner = width - left - right, height - top - bottom
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" class="plot">']
    for step in range(6):
        share = step / 5
        x, y = left + share * inner[0], top + (1 - share) * inner[1]
        parts.append(
            f'<path class="grid" d="M{left} {y:.1f}h{inner[0]}M{x:.1f} {top}'
            f'v{inner[1]}"/><text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end">'
            f'{share:.1f}</text><text x="{x:.1f}" y="{height - bottom + 17}" '
            f'text-anchor="middle">{share:.1f}</text>'
        )
    for name, (values, colour, style) in curves.items():
        steps = np.linspace(0, 1, len(values))
        points = ' '.join(
            f'{left + x * inner[0]:.1f},{top + (1 - y) * inner[1]:.1f}'
            for x, y in zip(steps, values, strict=True)
        )
        parts.append(
            f'<polyline class="{style}" stroke="{colour}" points="{points}">'
            f'<title>{escape(name)}</title></polyline>'
        )
    middle = top + inner[1] / 2
    parts.append(
        f'<text x="{left + inner[0] / 2}" y="{height - 6}" text-anchor="middle">'
        f'{escape(x_title)}</text><text x="13" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 13 {middle})">{escape(y_title)}</text></svg>'
    )
    return ''.join(parts)


def legend(curves: Mapping[str, tuple[Sequence[float], str, str]]) -> str:
    """Names of the curves of :func:`line_plot` with a piece of their lines."""
    entries = [
        f'<li><svg viewBox="0 0 26 8"><path class="{style}" stroke="{colour}" '
        f'd="M0 4h26"/></svg>{escape(name)}</li>'
        for name, (_, colour, style) in curves.items()
    ]
    return f'<ul class="legend">{"".join(entries)}</ul>'


STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #222;
  background: #fff; margin: 0 auto; padding: 24px; max-width: 1240px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 8px; }
h3 { font-size: 15px; margin: 22px 0 4px; } p { margin: 6px 0 10px; max-width: 860px; }
.note { color: #666; font-size: 13px; }
.files { color: #666; font-size: 13px; overflow-wrap: anywhere; }
.numbers { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0; padding: 0; }
.numbers li { list-style: none; border: 1px solid #ddd; border-radius: 6px;
  padding: 6px 16px; } .numbers b { display: block; font-size: 22px; }
.numbers span { color: #666; font-size: 12px; }
.headline { border-left: 4px solid #D55E00; padding: 4px 12px; background: #fdf4ec; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid #e6e6e6;
  white-space: nowrap; }
th { font-size: 12px; color: #555; font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
.kinds td:first-child, .heat td:first-child, .heat th:first-child { position: sticky;
  left: 0; background: #fff; }
.heat td:first-child { white-space: normal; min-width: 90px; }
td.light { color: #fff; } td.part { padding-left: 28px; color: #555; }
td.why { text-align: left; color: #666; font-size: 13px; white-space: normal;
  min-width: 240px; }
tr.sum td, td.sum { border-top: 1px solid #999; }
td.bar span { display: inline-block; width: 110px; height: 12px; background: #f3f3f3; }
td.bar i { display: block; height: 100%; }
td.bar b { display: inline-block; width: 60px; font-weight: 400; }
@media (max-width: 700px) { td.bar span { width: 36px; } }
.heat td { min-width: 40px; padding: 4px 6px; }
.heat th { white-space: normal; min-width: 40px; padding: 4px 6px; }
.side { display: flex; flex-wrap: wrap; gap: 24px; align-items: center; }
.plot { width: 560px; max-width: 100%; font-size: 12px; }
.plot .grid { stroke: #e3e3e3; fill: none; } .plot text { fill: #555; }
polyline, .legend path { fill: none; stroke-linejoin: round; }
.thin { stroke-width: 1.3; opacity: .75; } .bold { stroke-width: 3; }
.dashed { stroke-width: 2.4; stroke-dasharray: 6 4; }
.legend { list-style: none; padding: 0; margin: 0; font-size: 13px; }
.legend svg { width: 26px; height: 8px; margin-right: 8px; }
.strip { border-collapse: separate; border-spacing: 3px; }
.strip td, .strip th { border: 0; padding: 0; font-size: 12px; text-align: center; }
.strip th { text-align: left; padding-right: 8px; vertical-align: middle; }
.strip td:first-child { text-align: center; }
.strip img { display: block; width: 100%; min-width: 110px; max-width: 240px; }
"""
