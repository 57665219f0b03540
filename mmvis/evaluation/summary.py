"""From matched tracks to the numbers that are reported, and their tables."""

import io
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table

from .class_agnostic import AGNOSTIC, results_without_categories, without_categories
from .vis_eval import MAX_DETECTIONS, GroundTruth, MatchedTracks

Metrics = dict[str, float | None]


def evaluate_tracks(
    ground_truth: GroundTruth,
    results: Sequence[dict],
    class_names: Mapping | None = None,
    per_attribute: bool = True,
    class_agnostic: bool = False,
) -> Metrics:
    """Match results, which were checked, and give all numbers of an evaluation.

    Args:
        ground_truth: what to match with.
        results: dicts with video_id, category_id, score, segmentations.
        class_names, per_attribute: see :func:`summarize`.
        class_agnostic: add ``<key>_agnostic``, the same numbers with all categories as
            one, for all keys but those of categories.

    Returns:
        As :func:`summarize`.
    """
    metrics = summarize(
        ground_truth, ground_truth.match(results), class_names, per_attribute
    )
    if class_agnostic:
        as_one = without_categories(ground_truth)
        matched = as_one.match(
            results_without_categories(results, ground_truth.category_ids)
        )
        numbers = summarize(as_one, matched, None, per_attribute)
        metrics |= {f'{key}{AGNOSTIC}': value for key, value in numbers.items()}
    return metrics


def summarize(
    ground_truth: GroundTruth,
    matched: Mapping[tuple, MatchedTracks],
    class_names: Mapping | None = None,
    per_attribute: bool = True,
) -> Metrics:
    """All numbers of an evaluation, unrounded, from 0 to 1.

    Args:
        ground_truth: what the tracks were matched with.
        matched: from ``ground_truth.match``.
        class_names: category id to name, to add ``<name>_precision`` for each category.
        per_attribute: add ``<attribute>_AP`` for every attribute that a video carries:
            the AP over the videos that carry it.

    Returns:
        AP, AP50, AP75, AP_<range> for every area range, AR1, AR10, AR100 and what was
        asked for; None where there is no ground truth to find.
    """
    curves = ground_truth.curves(matched)
    metrics: Metrics = {
        'AP': curves.average_precision(),
        'AP50': curves.average_precision(iou=0.5),
        'AP75': curves.average_precision(iou=0.75),
    }
    for name in ground_truth.area_ranges:
        metrics[f'AP_{name}'] = curves.average_precision(area=name)
    for limit in MAX_DETECTIONS:
        metrics[f'AR{limit}'] = curves.average_recall(limit)
    if per_attribute:
        for attribute in attributes_of(ground_truth.videos):
            subset = ground_truth.curves(matched, attribute)
            metrics[f'{attribute}_AP'] = subset.average_precision()
    if class_names is not None:
        for category_id in ground_truth.category_ids:
            metrics[f'{class_names[category_id]}_precision'] = curves.average_precision(
                category=category_id
            )
    return metrics


def attributes_of(videos: list[dict]) -> list[str]:
    """The attributes that any video carries, sorted.

    Raises:
        ValueError: a video's attributes are no list of names.
    """
    found: set[str] = set()
    for video in videos:
        names = video.get('attributes') or ()
        if not isinstance(names, (list, tuple)) or not all(
            isinstance(name, str) for name in names
        ):
            raise ValueError(
                f'video {video["id"]!r}: its attributes are {names!r}, no list of names'
            )
        found.update(names)
    return sorted(found)


def plain_console(stream: TextIO, width: int = 100) -> Console:
    """For tables as plain text: names in brackets are names, and no markup."""
    return Console(
        file=stream,
        width=width,
        color_system=None,
        force_terminal=False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def printable(text: str) -> str:
    """Text with escapes for what UTF-8 has not: bytes of a name in another encoding."""
    return text.encode('utf-8', 'backslashreplace').decode('utf-8')


def format_number(value: float | None) -> str:
    return '-' if value is None else f'{value:.3f}'


def format_tables(metrics: Metrics) -> str:
    """The metrics as plain text tables: summary, attributes, categories."""
    # A category may be called anything: its keys are set apart first.
    categories = _of_ending(metrics, '_precision')
    others = {k: v for k, v in metrics.items() if not k.endswith('_precision')}
    as_one = _of_ending(others, AGNOSTIC)
    others = {k: v for k, v in others.items() if not k.endswith(AGNOSTIC)}
    attributes = _of_ending(others, '_AP')
    summary = {k: v for k, v in others.items() if not k.endswith('_AP')}
    stream = io.StringIO()
    console = plain_console(stream)
    table = Table(title='Video instance segmentation')
    if as_one:
        table.add_column('categories')
    for key in summary:
        table.add_column(key, justify='right', no_wrap=True)
    if as_one:
        for name, row in (('each', summary), ('as one', as_one)):
            table.add_row(name, *(format_number(row.get(key)) for key in summary))
    else:
        table.add_row(*map(format_number, summary.values()))
    console.print(table)
    for title, rows in (('attribute', attributes), ('category', categories)):
        if rows:
            both = bool(as_one) and rows is attributes
            table = Table()
            table.add_column(title)
            table.add_column('AP', justify='right')
            if both:
                table.add_column('as one', justify='right')
            for name, value in rows.items():
                other = [format_number(as_one.get(f'{name}_AP'))] if both else []
                table.add_row(name, format_number(value), *other)
            console.print(table)
    return '\n' + printable(stream.getvalue().rstrip())


def _of_ending(metrics: Metrics, ending: str) -> Metrics:
    """The numbers whose keys end so, by what is before."""
    return {k[: -len(ending)]: v for k, v in metrics.items() if k.endswith(ending)}
