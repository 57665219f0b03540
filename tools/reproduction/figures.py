"""The page's two figures, as SVG that is the same whenever the numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mmvis.structures.whole_file import whole_file

from .findings import WAITING, Finding, Findings
from .plan_format import EVERYWHERE
from .resampling import DENIED, HELD, NOT_SEEN

# Okabe and Ito's colours: told apart with colour-blind eyes too.
COLOURS = {HELD: '#009E73', NOT_SEEN: '#666666', DENIED: '#D55E00', WAITING: '#BBBBBB'}
# Names of parts are made from all digits of where they are: the last ones, which depend
# on the order of sums, would give another file for the same picture.
_PLACES = 6
_BARS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9')


def plot_claims(findings: Sequence[Finding], path: Path) -> None:
    """Difference and interval of each claim, coloured by its verdict.

    With all categories as one: the small, open marks below.

    Args:
        findings: those with a difference, from top to bottom.
        path: an SVG.
    """
    figure = Figure(figsize=(8, 0.42 * len(findings) + 1.2), layout='constrained')
    axis = figure.subplots()
    for row, finding in enumerate(findings):
        colour = COLOURS[finding.verdict]
        for d, offset, mark in (
            (finding.each, 0.0, dict(marker='o', markersize=6)),
            (finding.as_one, 0.24, dict(marker='o', markersize=3.5, fillstyle='none')),
        ):
            low, mean, high = (round(x, _PLACES) for x in (d.low, d.mean, d.high))
            axis.plot([low, high], [row + offset] * 2, color=colour, linewidth=1.6)
            axis.plot(mean, row + offset, color=colour, **mark)
    names = [
        f.claim.name if f.where == EVERYWHERE else f'{f.claim.name} ({f.where})'
        for f in findings
    ]
    axis.set_yticks(range(len(findings)), names)
    axis.set_ylim(len(findings) - 0.4, -0.4)  # from top to bottom, marks whole
    axis.axvline(0, color='black', linewidth=0.8)
    axis.grid(axis='x', alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)
    axis.set_xlabel('difference in AP, 95 % interval; open: all categories as one')
    shown = {f.verdict for f in findings}
    handles = [
        axis.plot([], [], color=colour, marker='o', label=verdict)[0]
        for verdict, colour in COLOURS.items()
        if verdict in shown
    ]
    figure.legend(handles=handles, loc='outside upper right', ncols=4, frameon=False)
    _save(figure, path)


def plot_attributes(findings: Findings, names: Sequence[str], path: Path) -> None:
    """AP of some runs on all videos and by attribute: means, and a dot for each seed.

    Args:
        findings: where the numbers are.
        names: of runs that have records.
        path: an SVG.
    """
    plan = findings.plan
    keys = ['AP', *(f'{name}_AP' for name in findings.attributes)]
    figure = Figure(figsize=(9, 3.6), layout='constrained')
    axis = figure.subplots()
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        values = [findings.values(plan.run(name), key) for key in keys]
        x = np.arange(len(keys)) + (place - (len(names) - 1) / 2) * width
        colour = _BARS[place % len(_BARS)]
        means = [np.mean(v) if v else 0 for v in values]
        axis.bar(x, means, width * 0.92, color=colour, label=name)
        for at, seeds in zip(x, values, strict=True):
            axis.plot([at] * len(seeds), seeds, 'k.', markersize=2.5)
    axis.set_xticks(range(len(keys)), [EVERYWHERE, *findings.attributes])
    axis.set_ylabel('AP')
    axis.grid(axis='y', alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)
    figure.legend(loc='outside upper center', ncols=min(6, len(names)), frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasSVG(figure)
    # Names of parts from a fixed salt, text as text, and no date.
    options = {'svg.hashsalt': 'mmvis', 'svg.fonttype': 'none'}
    with matplotlib.rc_context(options), whole_file(path) as file:
        figure.savefig(file, format='svg', metadata={'Date': None})
