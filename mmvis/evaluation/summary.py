"""From matched tracks to the numbers that are reported, and their tables."""

import io
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.table import Table

from .vis_eval import MAX_DETECTIONS, GroundTruth, MatchedTracks

Metrics = dict[str, float | None]


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
    attributes = {
        key[: -len('_AP')]: value
        for key, value in metrics.items()
        if key.endswith('_AP')
    }
    categories = {
        key[: -len('_precision')]: value
        for key, value in metrics.items()
        if key.endswith('_precision')
    }
    summary = {
        key: value
        for key, value in metrics.items()
        if not key.endswith(('_AP', '_precision'))
    }
    stream = io.StringIO()
    console = plain_console(stream)
    table = Table(title='Video instance segmentation')
    for key in summary:
        table.add_column(key, justify='right', no_wrap=True)
    table.add_row(*map(format_number, summary.values()))
    console.print(table)
    for title, rows in (('attribute', attributes), ('category', categories)):
        if rows:
            table = Table()
            table.add_column(title)
            table.add_column('AP', justify='right')
            for name, value in rows.items():
                table.add_row(name, format_number(value))
            console.print(table)
    return '\n' + printable(stream.getvalue().rstrip())
