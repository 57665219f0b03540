"""Mean and spread of the metric over several results files, as of several seeds."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from mmvis.structures.annotation_file import VISAnnotations

from .evaluate_results import evaluate_results, load_ground_truth
from .summary import plain_console, printable

_SUMMARY = ('AP', 'AP50', 'AP75')
# Endings of the keys of parts of an evaluation, and how their rows are called.
_PARTS = {'_AP': 'attribute', '_precision': 'category'}


@dataclass(frozen=True)
class Spread:
    """Values of one number of the metric, from 0 to 1.

    Attributes:
        values: one a results file; None where there was nothing to measure.
    """

    values: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float | None:
        return float(np.mean(self.known)) if self.known else None

    @property
    def std(self) -> float | None:
        """Of the population that the runs are a sample of (n - 1); None for one run."""
        return float(np.std(self.known, ddof=1)) if len(self.known) > 1 else None

    @property
    def minimum(self) -> float | None:
        return min(self.known, default=None)

    @property
    def maximum(self) -> float | None:
        return max(self.known, default=None)


Group = dict[str, Spread]


def compare_runs(
    groups: Mapping[str, Sequence[str | Path | Sequence[dict]]],
    ground_truth: Mapping | VISAnnotations | str | Path,
) -> dict[str, Group]:
    """Evaluate groups of results files on one ground truth.

    Args:
        groups: name to results, each as :func:`evaluate_results` takes them.
        ground_truth: likewise; read once.

    Returns:
        For each group AP, AP50, AP75, ``<attribute>_AP`` and ``<category>_precision``.

    Raises:
        ValueError: a group is empty, or a file does not fit; the sentence names it.
    """
    annotations = load_ground_truth(ground_truth)
    compared = {}
    for name, runs in groups.items():
        if not runs:
            raise ValueError(f'the group {name!r} has no results file')
        metrics = [_evaluate(results, annotations) for results in runs]
        keys = [key for key in metrics[0] if key in _SUMMARY or _part_of(key)]
        compared[name] = {key: Spread(tuple(m[key] for m in metrics)) for key in keys}
    return compared


def _evaluate(
    results: Sequence[dict] | str | Path, annotations: VISAnnotations
) -> dict[str, float | None]:
    try:
        return evaluate_results(results, annotations, classwise=True)
    except ValueError as error:
        if not isinstance(results, (str, Path)) or str(results) in str(error):
            raise
        raise ValueError(f"'{results}': {error}") from error


def _part_of(key: str) -> tuple[str, str] | None:
    """('category', name) or ('attribute', name); None for the overall numbers."""
    for ending, kind in _PARTS.items():
        if key.endswith(ending):
            return kind, key[: -len(ending)]
    return None


def to_dict(compared: Mapping[str, Group]) -> dict[str, dict[str, dict]]:
    """Unrounded numbers: group to key to mean, std, min, max, values."""
    return {
        name: {
            key: {
                'mean': spread.mean,
                'std': spread.std,
                'min': spread.minimum,
                'max': spread.maximum,
                'values': list(spread.values),
            }
            for key, spread in group.items()
        }
        for name, group in compared.items()
    }


def format_runs(compared: Mapping[str, Group]) -> str:
    """Tables of mean, std and range: overall, by attribute, by category."""
    first = next(iter(compared.values()))
    parts = {key: _part_of(key) for key in first}
    stream = io.StringIO()
    width = 24 + 32 * len(compared)
    console = plain_console(stream, max(100, width))
    for kind in ('overall', *_PARTS.values()):
        rows = [k for k, p in parts.items() if (p[0] if p else 'overall') == kind]
        if not rows:
            continue
        table = Table()
        table.add_column(kind)
        for name, group in compared.items():
            runs = len(group['AP'].values)
            counted = f'{runs} run' + 's' * (runs != 1)
            table.add_column(f'{name} ({counted})', justify='right', no_wrap=True)
        for key in rows:
            part = parts[key]
            cells = [_cell(group.get(key, Spread(()))) for group in compared.values()]
            table.add_row(part[1] if part else key, *cells)
        console.print(table)
    text = stream.getvalue().rstrip() + '\n' + '\n'.join(_differences(compared))
    return '\n' + printable(text)


def _cell(spread: Spread) -> str:
    if spread.mean is None:
        return '-'
    if spread.std is None:
        return f'{spread.mean:.3f}'
    limits = f'[{spread.minimum:.3f}, {spread.maximum:.3f}]'
    return f'{spread.mean:.3f} ± {spread.std:.3f}  {limits}'


def _differences(compared: Mapping[str, Group]) -> Iterable[str]:
    """How the others' AP differs from the first group's, with its standard error."""
    (base_name, base), *others = compared.items()
    for name, group in others:
        first, second = base['AP'], group['AP']
        if first.mean is None or second.mean is None:
            continue
        text = f'AP of {name} - {base_name}: {second.mean - first.mean:+.3f}'
        if first.std is None or second.std is None:
            yield f'{text} (one run tells nothing of its spread)'
            continue
        variance = first.std**2 / len(first.known) + second.std**2 / len(second.known)
        yield f'{text}, standard error {np.sqrt(variance):.3f}'
