"""Training curves and AP bars as PNG, without a display."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .training_log import TrainingLog, telling_names

# Okabe and Ito's colours: told apart with colour-blind eyes too.
_COLOURS = (
    '#0072B2',
    '#D55E00',
    '#009E73',
    '#CC79A7',
    '#E69F00',
    '#56B4E9',
    '#000000',
    '#8A7F00',
)


# What weighs less is left out of an average.
_NEGLIGIBLE = 1e-9
# Endings of the keys of parts of an evaluation.
_GROUPS = {
    '_precision': 'categories',
    '_AP': 'attributes',
    '_AP_agnostic': 'attributes, categories as one',
}


class _Panel(NamedTuple):
    title: str
    keys: tuple[str, ...]
    is_val: bool


def smooth(values: Sequence[float] | np.ndarray, weight: float) -> np.ndarray:
    """Centred exponential average, which does not lag behind the curve.

    ``s[t] = sum_u w**|t - u| * values[u] / sum_u w**|t - u|`` over the finite values,
    where u looks no further ahead than back: a curve that falls fast at first starts
    where its data does.

    Args:
        values (Sequence[float]): (n,)
        weight (float): 0 (the values themselves) up to, not including, 1.

    Returns:
        np.ndarray: (n,) float64.

    Raises:
        ValueError: ``weight`` is outside [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f'smoothing must be in [0, 1), got {weight}.')
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    smoothed = np.full(len(values), np.nan)
    if not finite.any():
        return smoothed
    first = int(finite.argmax())
    reach = 0 if weight == 0 else math.ceil(math.log(_NEGLIGIBLE) / math.log(weight))
    for t in range(first, len(values)):
        start, stop = max(first, t - reach), min(t + reach, 2 * t - first) + 1
        near = values[start:stop]
        weights = weight ** np.abs(np.arange(start, start + len(near)) - t)
        weights = np.where(finite[start:stop], weights, 0.0)
        if weights.any():
            smoothed[t] = weights @ np.nan_to_num(near, posinf=0, neginf=0)
            smoothed[t] /= weights.sum()
    return smoothed


def plot_training_curves(
    logs: Sequence[TrainingLog],
    path: str | os.PathLike,
    keys: Sequence[str] | None = None,
    smoothing: float = 0.6,
) -> None:
    """Draw losses, learning rate and validation AP against iterations.

    The title, or with several runs the legend, names config and run. One panel a key;
    one colour a run where there are several runs. Training values are drawn faint as
    logged and strong as smoothed.

    Args:
        logs (Sequence[TrainingLog]): The runs to compare.
        path (str): PNG (or whatever matplotlib knows by its suffix).
        keys (Sequence[str], optional): Keys to draw, each as logged or its end
            ('loss_mask', 'AP50'). By default every loss, the learning rate, and AP,
            AP50 and AP75.
        smoothing (float): Weight of the past, see :func:`smooth`.

    Raises:
        ValueError: No run has any of the keys.
    """
    train_keys = _ordered_keys([log.train for log in logs])
    val_keys = _ordered_keys([log.val for log in logs])
    if keys is None:
        train = [k for k in train_keys if k == 'lr' or 'loss' in k.rsplit('/', 1)[-1]]
        train.sort(key=lambda k: (k != 'loss', k == 'lr'))
        val = [k for k in val_keys if k.rsplit('/', 1)[-1] in ('AP', 'AP50', 'AP75')]
    else:
        train = [k for k in train_keys if _wanted(k, keys)]
        val = [k for k in val_keys if _wanted(k, keys)]
    panels = [_Panel(key, (key,), False) for key in train]
    if len(logs) == 1 and val:
        # With no runs to tell apart, colours tell the metrics of one panel apart.
        panels.append(_Panel('validation', tuple(val), True))
    else:
        panels += [_Panel(key, (key,), True) for key in val]
    if not panels:
        known = ', '.join([*train_keys, *val_keys]) or 'nothing'
        asked = '' if keys is None else f' of {", ".join(keys)}'
        raise ValueError(f'nothing{asked} to draw; the logs have: {known}.')

    columns = min(4 if len(panels) > 9 else 3, len(panels))
    rows = math.ceil(len(panels) / columns)
    # Four in a row are narrower: the whole is looked at on one screen.
    width = (3.7 if columns > 3 else 4.6) * columns
    figure = Figure(figsize=(width, 3.0 * rows + 0.5), layout='constrained')
    axes = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        _draw_panel(axis, panel, logs, smoothing)
        axis.tick_params(labelbottom=True)
    for axis in axes[len(panels) :]:
        axis.remove()
    for axis in axes[max(0, len(panels) - columns) : len(panels)]:
        axis.set_xlabel('iteration')
    if len(logs) > 1:
        handles = [
            axes[0].plot([], [], color=_COLOURS[i % len(_COLOURS)], label=name)[0]
            for i, name in enumerate(telling_names(logs))
        ]
        figure.legend(
            handles=handles, loc='outside upper center', ncols=min(4, len(logs))
        )
    else:
        figure.suptitle(logs[0].name, fontsize=12)
    _save(figure, path)


def plot_ap_bars(
    metrics: Mapping[str, float], path: str | os.PathLike, title: str = ''
) -> None:
    """Draw an evaluation as horizontal bars: overall, by size, by category, ...

    Args:
        metrics (Mapping[str, float]): As `mim test` writes them, values in 0..1;
            'prefix/' of the keys is dropped. Keys that are AP or AR with a suffix are
            the overall numbers, '<category>_precision' and '<attribute>_AP' the others.
            A value that is None, negative or not finite is shown as '-': nothing to
            measure there.
        path (str): PNG.
        title (str): Written above.

    Raises:
        ValueError: There is no AP among the keys.
    """
    overall, parts = _ap_entries(metrics)
    if not overall and not parts:
        raise ValueError(
            f'no AP among the metrics {", ".join(map(str, metrics)) or "(none)"}: give '
            'the json that a test run writes.'
        )
    groups = [
        (name, entries) for name, entries in (('overall', overall), *parts) if entries
    ]
    heights = [len(entries) + 1 for _, entries in groups]
    figure = Figure(figsize=(7, 0.27 * sum(heights) + 0.9), layout='constrained')
    axes = np.atleast_1d(
        figure.subplots(len(groups), 1, sharex=True, height_ratios=heights)
    ).ravel()
    for axis, colour, (name, entries) in zip(axes, _COLOURS, groups, strict=False):
        names = [key for key, _ in entries]
        values = [value for _, value in entries]
        axis.barh(names, np.nan_to_num(values), color=colour, height=0.7)
        axis.invert_yaxis()
        axis.set_xlim(0, 1)
        axis.set_title(name, fontsize=10, loc='left')
        axis.grid(axis='x', alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[['top', 'right']].set_visible(False)
        for row, value in enumerate(values):
            known = math.isfinite(value)
            # Inside a bar that leaves no room to its right.
            inside = known and value > 0.9
            axis.text(
                (value if known else 0) + (-0.01 if inside else 0.01),
                row,
                f'{value:.3f}' if known else '-',
                va='center',
                ha='right' if inside else 'left',
                color='white' if inside else 'black',
                fontsize=9,
            )
    axes[-1].set_xlabel('average precision / recall')
    if title:
        figure.suptitle(title, fontsize=12)
    _save(figure, path)


def read_metrics(path: str | os.PathLike) -> dict[str, float]:
    """The metrics json of a test run (its last record, if it has a line a record).

    Raises:
        ValueError: Not json, or not a mapping.
    """
    with open(path, encoding='utf-8') as file:
        text = file.read()
    try:
        metrics = json.loads(text)
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            metrics = json.loads(lines[-1]) if lines else None
        except json.JSONDecodeError as error:
            raise ValueError(f'{os.fspath(path)} is not json: {error}.') from error
    if not isinstance(metrics, dict):
        raise ValueError(f'{os.fspath(path)}: expected a json mapping of metrics.')
    return metrics


def _draw_panel(
    axis: Axes, panel: _Panel, logs: Sequence[TrainingLog], smoothing: float
) -> None:
    curves = [(log, key) for log in logs for key in panel.keys]
    for i, (log, key) in enumerate(curves):
        steps, values = (log.val if panel.is_val else log.train).get(key, ([], []))
        if not steps:
            continue
        colour = _COLOURS[i % len(_COLOURS)]
        if panel.is_val:
            # -1 stands for 'nothing to measure' in COCO's way of counting.
            shown = [value if value >= 0 else math.nan for value in values]
            name = f'{key}: {shown[-1]:.3f}'
            axis.plot(steps, shown, color=colour, marker='o', markersize=5, label=name)
            if len(steps) == 1:
                # A line makes one point a curve that can be seen and compared.
                axis.axhline(shown[0], color=colour, linestyle=':', alpha=0.6)
        elif key == 'lr' or smoothing == 0:
            axis.plot(steps, values, color=colour, linewidth=1.6)
        else:
            axis.plot(steps, values, color=colour, linewidth=0.8, alpha=0.3)
            axis.plot(steps, smooth(values, smoothing), color=colour, linewidth=1.8)
    if panel.is_val and len(logs) == 1:
        axis.legend(fontsize=8)
    axis.set_title(panel.title, fontsize=10)
    axis.grid(alpha=0.3)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.spines[['top', 'right']].set_visible(False)
    if panel.is_val or 'loss' in panel.title or panel.title == 'lr':
        # Zero in view, and the usual margin above the curves, flat ones too.
        axis.update_datalim([(axis.dataLim.x0, 0)], updatex=False)
        axis.autoscale_view()
        axis.set_ylim(bottom=0)
    if panel.title == 'lr':
        axis.ticklabel_format(axis='y', style='sci', scilimits=(0, 0))


def _ordered_keys(curves: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(key for curve in curves for key in curve))


def _wanted(key: str, keys: Sequence[str]) -> bool:
    return key in keys or key.rsplit('/', 1)[-1] in keys


def _ap_entries(
    metrics: Mapping[str, float],
) -> tuple[list[tuple[str, float]], list[tuple[str, list[tuple[str, float]]]]]:
    """Overall entries, and (group name, entries) of the rest."""
    overall: list[tuple[str, float]] = []
    parts: dict[str, list[tuple[str, float]]] = {}
    for key, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float | type(None)):
            continue
        missing = value is None or not math.isfinite(value) or value < 0
        number = math.nan if missing else float(value)
        # Names of categories may hold a slash, the metric's prefix does not.
        name = str(key).split('/', 1)[-1]
        head = name.split('_')[0].split('@')[0].rstrip('0123456789')
        if head in ('AP', 'AR'):
            overall.append((name, number))
        for suffix, group in _GROUPS.items():
            if name.endswith(suffix) and head not in ('AP', 'AR'):
                parts.setdefault(group, []).append((name[: -len(suffix)], number))
    return overall, list(parts.items())


def _save(figure: Figure, path: str | os.PathLike) -> None:
    path = os.fspath(path)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=130)
