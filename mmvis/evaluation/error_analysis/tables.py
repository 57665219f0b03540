"""The analysis as plain text and as numbers for other programs."""

import io
from typing import Any

import numpy as np
from rich.table import Table

from ..summary import plain_console, printable
from .analysis import EVERYTHING, FALSE_NEGATIVES, FALSE_POSITIVES, ErrorAnalysis
from .html_parts import number
from .kinds import GROUPS, GROUPS_AND_KINDS


def to_dict(analysis: ErrorAnalysis) -> dict[str, Any]:
    """Everything that the report's tables have, unrounded, from 0 to 1.

    Returns:
        ``iou_threshold``; ``AP`` and ``AP<threshold>``; ``kinds`` (false_positives,
        false_negatives, and the gains of both APs for each kind, for ``temporal`` and
        for the totals); ``categories`` and ``attributes`` (AP at the threshold, false
        positives and false negatives, and the gain of that AP for each kind and for
        ``temporal``); ``confusion`` (category to category to objects,
        ``no track`` for those that none reaches).
    """
    name = analysis.threshold_name
    kinds: dict[str, dict] = {}
    for key, fixed in GROUPS_AND_KINDS.items():
        wrong, lost = analysis.num_errors(fixed)
        kinds[key] = {'false_positives': wrong, 'false_negatives': lost}
        kinds[key] |= _gains(analysis, fixed)
    for total in (FALSE_POSITIVES, FALSE_NEGATIVES, EVERYTHING):
        kinds[total] = _gains(analysis, total)
    names = analysis.category_names
    pairs = zip(analysis.truth.category_ids, names, strict=True)
    confusion = {
        names[k]: {
            [*names, 'no track'][said]: int(row[said]) for said in np.flatnonzero(row)
        }
        for k, row in enumerate(analysis.confusion())
    }
    return {
        'iou_threshold': analysis.iou_threshold,
        'AP': analysis.average_precision(averaged=True),
        name: analysis.average_precision(),
        'kinds': kinds,
        'categories': {n: _part(analysis, category=c) for c, n in pairs},
        'attributes': {a: _part(analysis, attribute=a) for a in analysis.attributes},
        'confusion': confusion,
    }


def _gains(analysis: ErrorAnalysis, fixed: str | tuple[str, ...]) -> dict:
    return {
        f'gain_{analysis.threshold_name}': analysis.gain(fixed),
        'gain_AP': analysis.gain(fixed, averaged=True),
    }


def _part(analysis: ErrorAnalysis, **where: Any) -> dict:
    """AP of a category or an attribute, its errors, and what each kind costs it."""
    wrong, lost = analysis.num_errors(**where)
    return {
        analysis.threshold_name: analysis.average_precision(**where),
        'false_positives': wrong,
        'false_negatives': lost,
        **{key: analysis.gain(k, **where) for key, k in GROUPS_AND_KINDS.items()},
    }


def format_errors(analysis: ErrorAnalysis) -> str:
    """The table of kinds as plain text."""
    name = analysis.threshold_name
    table = Table(title=f'Errors at IoU {analysis.iou_threshold:g}')
    table.add_column('error')
    heads = ('false positives', 'false negatives', f'gain of {name}', 'gain of AP')
    for head in heads:
        table.add_column(head, justify='right')
    for group, kinds in GROUPS.items():
        table.add_row(group, *_row(analysis, kinds))
        if len(kinds) > 1:
            for kind in kinds:
                table.add_row(f'  {kind}', *_row(analysis, (kind,)))
    table.add_section()
    for total in (FALSE_POSITIVES, FALSE_NEGATIVES, EVERYTHING):
        table.add_row(total, '', '', *_row(analysis, total)[-2:])
    stream = io.StringIO()
    plain_console(stream).print(table)
    return '\n' + printable(stream.getvalue().rstrip())


def _row(analysis: ErrorAnalysis, fixed: str | tuple[str, ...]) -> list[str]:
    counts = ['', '']
    if not isinstance(fixed, str):
        counts = [str(count) for count in analysis.num_errors(fixed)]
    gains = _gains(analysis, fixed).values()
    return [*counts, *(number(gain, signed=True) for gain in gains)]
