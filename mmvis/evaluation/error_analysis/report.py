"""One HTML file that says what a results file loses AP to.

It carries its style, plots and pictures, has no script and opens without a network.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from mmvis.structures.whole_file import whole_file
from mmvis.visualization.video_tracks import video_name

from ..summary import printable
from ..tracking_metrics.measure import TrackMetrics
from ..vis_eval import RECALL_POINTS, has_attribute
from .analysis import EVERYTHING, FALSE_NEGATIVES, FALSE_POSITIVES, ErrorAnalysis
from .filmstrips import make_filmstrip
from .html_parts import (
    COLOURS,
    STYLE,
    bar_cell,
    breakable,
    heat_cell,
    image,
    legend,
    line_plot,
    number,
    table,
)
from .kinds import GROUPS, GROUPS_AND_KINDS, MEANING
from .tracking_section import tracking_section
from .wording import headline, sentence
from .worst_cases import WorstCase, worst_cases


def write_report(
    analysis: ErrorAnalysis,
    path: str | Path,
    image_root: str | None = None,
    files: Sequence[str] = (),
    cases_per_kind: int = 2,
    frames: int = 6,
    tracking: TrackMetrics | None = None,
) -> None:
    """Write the report of an analysis.

    Args:
        analysis: what to report.
        path: the HTML file.
        image_root: folder that the ``file_names`` of the videos are relative to; None
            shows the masks of the worst cases on plain grey.
        files: named at the top, the results and the annotation file.
        cases_per_kind: worst cases of each kind, at most; 0 for none.
        frames: frames of a filmstrip, at most.
        tracking: of ``track_metrics``, of the same results; shown where it is given.

    Raises:
        FileNotFoundError: a frame of a worst case does not exist.
        ValueError: a frame of a worst case is of another size than its video.
        OSError: the file cannot be written.
    """
    page = '\n'.join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>Error analysis</title><style>{STYLE}</style></head><body>',
            _top(analysis, files),
            _kinds(analysis),
            _curves(analysis),
            '' if tracking is None else tracking_section(tracking),
            _confusion(analysis),
            _categories(analysis),
            _attributes(analysis),
            _cases(analysis, image_root, cases_per_kind, frames),
            '</body></html>',
        ]
    )
    with whole_file(path) as file:
        file.write(printable(page))


def _top(analysis: ErrorAnalysis, files: Sequence[str]) -> str:
    wrong, lost = analysis.num_errors()
    numbers = {
        'AP': number(analysis.average_precision(averaged=True)),
        analysis.threshold_name: number(analysis.average_precision()),
        'videos': str(len(analysis.videos)),
        'objects': str(sum(analysis.num_objects().values())),
        'tracks': str(sum(len(video.detections) for video in analysis.videos)),
        'false positives': str(wrong),
        'false negatives': str(lost),
    }
    boxes = ''.join(f'<li><b>{v}</b><span>{k}</span></li>' for k, v in numbers.items())
    sentences = ''.join(
        f'<p class="headline">{escape(text)}</p>' for text in headline(analysis)
    )
    names = ''.join(f'<div class="files">{escape(str(name))}</div>' for name in files)
    return f'<h1>Error analysis</h1>{names}<ul class="numbers">{boxes}</ul>{sentences}'


def _kinds(analysis: ErrorAnalysis) -> str:
    rows: list[tuple[str, str, tuple[str, ...]]] = []
    for name, kinds in GROUPS.items():
        rows.append((name, MEANING[name], kinds))
        if len(kinds) > 1:
            rows += [(f'<td class="part">{k}</td>', MEANING[k], (k,)) for k in kinds]
    gains = {key: _gains(analysis, key) for _, _, key in rows}
    largest = max((g or 0 for pair in gains.values() for g in pair), default=0)
    cells = []
    for name, meaning, kinds in rows:
        counts = [str(count) for count in analysis.num_errors(kinds)]
        bars = [
            bar_cell(gain, largest, colour)
            for gain, colour in zip(gains[kinds], COLOURS[:2], strict=True)
        ]
        cells.append([name, *bars, *counts, _why(meaning)])
    wrong, lost = map(str, analysis.num_errors())
    totals = (
        (FALSE_POSITIVES, wrong, '-', 'wrong tracks removed, nothing repaired'),
        (FALSE_NEGATIVES, '-', lost, 'objects that are not found dropped'),
        (EVERYTHING, wrong, lost, 'all kinds fixed together'),
    )
    for name, wrong, lost, meaning in totals:
        both = [number(g, signed=True) for g in _gains(analysis, name)]
        cells.append([name, *both, wrong, lost, _why(meaning)])
    head = ['error', f'gain of {analysis.threshold_name}', 'gain of AP']
    head += ['false positives', 'false negatives', '']
    threshold = analysis.iou_threshold
    return (
        '<h2>What would be gained</h2>'
        f'<p>Errors are counted at a spatio-temporal IoU of {threshold:g}. A gain is '
        'what the metric would rise by if the errors of this kind alone were fixed, '
        'each at the IoU at which it is measured; AP and gains are from 0 to 1. Gains '
        'of several kinds do not add up. Many wrong tracks of low score cost '
        'little.</p>' + table(head, cells, 'kinds')
    )


def _why(text: str) -> str:
    return f'<td class="why">{escape(text)}</td>'


def _gains(
    analysis: ErrorAnalysis, fixed: str | tuple[str, ...]
) -> tuple[float | None, float | None]:
    return analysis.gain(fixed), analysis.gain(fixed, averaged=True)


def _curves(analysis: ErrorAnalysis) -> str:
    def mean(precision: np.ndarray) -> np.ndarray:
        known = precision[:, ~np.isnan(precision[0])]
        return known.mean(axis=1) if known.size else np.zeros(len(RECALL_POINTS))

    base = analysis.curves().precision[0, analysis.level]
    few = len(analysis.category_names) <= len(COLOURS)
    drawn = {}
    for k, name in enumerate(analysis.category_names):
        if not np.isnan(base[0, k]):
            colour = COLOURS[k] if few else '#999'
            ap = number(float(base[:, k].mean()))
            drawn[f'{name} ({ap})'] = base[:, k], colour, 'thin'
    named = dict(drawn) if few else {}
    mean_ap = number(analysis.average_precision())
    bold = {f'all categories ({mean_ap})': (mean(base), '#222', 'bold')}
    gains = {kinds: analysis.gain(kinds) or 0.0 for kinds in GROUPS.values()}
    best = max(gains, key=gains.__getitem__)
    if gains[best] > 0:
        fixed = analysis.curves(best).precision[0, analysis.level]
        group = next(name for name, kinds in GROUPS.items() if kinds == best)
        ap = number(analysis.average_precision(best))
        bold[f'with {group} errors fixed ({ap})'] = mean(fixed), '#222', 'dashed'
    plot = line_plot(drawn | bold, 'recall', 'precision')
    return (
        f'<h2>Precision and recall at IoU {analysis.iou_threshold:g}</h2>'
        f'<div class="side">{plot}{legend(bold | named)}</div>'
    )


def _confusion(analysis: ErrorAnalysis) -> str:
    names = [breakable(name) for name in analysis.category_names]
    counts = analysis.confusion()
    rows = []
    for k in np.flatnonzero(counts.sum(axis=1)):
        shares = counts[k] / counts[k].sum()
        cells = [
            heat_cell(str(count or ''), share, strong=column == k)
            for column, (count, share) in enumerate(zip(counts[k], shares, strict=True))
        ]
        rows.append([names[k], cells[-1], *cells[:-1]])
    return (
        '<h2>Confusion of categories</h2><p>Objects by their category (rows) and by '
        'that of the best-scored track whose IoU with them reaches '
        f'{analysis.iou_threshold:g}.</p>'
        + table(['object', 'no such track', *names], rows, 'heat')
    )


def _categories(analysis: ErrorAnalysis) -> str:
    objects = analysis.num_objects()
    names = dict(zip(analysis.truth.category_ids, analysis.category_names, strict=True))
    rows = [
        (breakable(names[c]), str(objects[c]), {'category': c})
        for c in analysis.truth.category_ids
        if objects[c]
    ]
    return (
        '<h2>By category</h2><p>Gains of the category itself when a kind is fixed '
        'everywhere; <i>temporal</i> is split, merge, id switch and extent together.'
        '</p>' + _gain_map(analysis, ['category', 'objects'], rows)
    )


def _attributes(analysis: ErrorAnalysis) -> str:
    if not analysis.attributes:
        return ''
    rows = []
    for attribute in analysis.attributes:
        carried = sum(has_attribute(v.video, attribute) for v in analysis.videos)
        objects = sum(analysis.num_objects(attribute).values())
        name = breakable(attribute)
        rows.append((name, f'{carried} / {objects}', {'attribute': attribute}))
    return (
        '<h2>By attribute</h2><p>Of the videos that carry an attribute.</p>'
        + _gain_map(analysis, ['attribute', 'videos / objects'], rows)
    )


def _gain_map(
    analysis: ErrorAnalysis, head: list[str], rows: list[tuple[str, str, dict]]
) -> str:
    gains = [
        [analysis.gain(kinds, **where) for kinds in GROUPS_AND_KINDS.values()]
        for _, _, where in rows
    ]
    largest = max((g or 0 for row in gains for g in row), default=0) or 1
    cells = []
    for (name, count, where), row in zip(rows, gains, strict=True):
        heat = [
            heat_cell(number(g, signed=True) if g else '', (g or 0) / largest)
            for g in row
        ]
        errors = [str(count) for count in analysis.num_errors(**where)]
        ap = number(analysis.average_precision(**where))
        cells.append([name, count, *errors, ap, *heat])
    head = [*head, 'false positives', 'false negatives', analysis.threshold_name]
    return table([*head, *GROUPS_AND_KINDS], cells, 'heat')


def _cases(
    analysis: ErrorAnalysis, image_root: str | None, per_kind: int, frames: int
) -> str:
    if per_kind < 1:
        return ''
    parts = ['<h2>Worst cases</h2><p>Of each kind the errors whose repair alone gains ']
    parts.append(
        'most. Number 1 above is the object that the error is about, number 1 '
    )
    parts.append('below the wrong track; other numbers are what explains it.')
    if image_root is None:
        parts.append(' No folder of frames was given: masks are shown on grey.')
    parts.append('</p>')
    found = worst_cases(analysis, per_kind)
    for kind, cases in found.items():
        parts += [_case(analysis, kind, case, image_root, frames) for case in cases]
    if not any(found.values()):
        parts.append('<p>No error was found whose repair alone gains anything.</p>')
    return '\n'.join(parts)


def _case(
    analysis: ErrorAnalysis,
    kind: str,
    case: WorstCase,
    image_root: str | None,
    frames: int,
) -> str:
    video = analysis.overlaps(case.error.video_id).video
    strip = make_filmstrip(analysis, case.error, image_root, frames)
    gain = number(case.gain, signed=True)
    title = (
        f'{kind}: {video_name(video)} (video {video["id"]}), '
        f'{gain if "+" in gain else "less than +0.001"} {analysis.threshold_name}'
    )
    rows = []
    for name, pictures in (('truth', strip.objects), ('tracks', strip.tracks)):
        cells = [
            image(picture, f'{name}, frame {moment}')
            for moment, picture in zip(strip.moments, pictures, strict=True)
        ]
        rows.append(f'<th>{name}</th>' + ''.join(f'<td>{cell}</td>' for cell in cells))
    rows.append('<th></th>' + ''.join(f'<td>frame {m}</td>' for m in strip.moments))
    body = ''.join(f'<tr>{row}</tr>' for row in rows)
    return (
        f'<h3>{escape(title)}</h3><p>{escape(sentence(analysis, case.error))}</p>'
        f'<div class="scroll"><table class="strip">{body}</table></div>'
    )
