"""Reads what mmengine's runner writes: vis_data/scalars.json of a work_dir."""

import json
import math
import os
from dataclasses import dataclass, field

_NOT_METRICS = frozenset({'step', 'iter', 'epoch', 'time', 'data_time', 'memory'})


@dataclass
class TrainingLog:
    """Curves of one run.

    Attributes:
        name (str): What to call it in a legend.
        train (dict[str, tuple[list[int], list[float]]]): Key -> (iterations, values) of
            losses, learning rates, grad_norm, ...
        val (dict[str, tuple[list[int], list[float]]]): The same for validation metrics.
    """

    name: str
    train: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    val: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)


def find_scalars(path: str | os.PathLike) -> str:
    """The scalars.json of a work_dir (its newest run), a run's folder, or itself.

    Raises:
        FileNotFoundError: There is none.
    """
    path = os.fspath(path)
    if os.path.isfile(path):
        return path
    found = [
        os.path.join(folder, 'scalars.json')
        for folder, _, files in os.walk(path)
        if 'scalars.json' in files
    ]
    if not found:
        raise FileNotFoundError(
            f'{path}: no scalars.json in it. Give a work_dir of a training run '
            '(<work_dir>/<time>/vis_data/scalars.json) or the file itself.'
        )
    # Folders of runs are named by time, as a resumed run's are beside the first one's.
    trained = [file for file in found if _has_training(file)]
    return max(trained or found)


def read_training_log(path: str | os.PathLike, name: str | None = None) -> TrainingLog:
    """Read one run's curves, validation metrics against iterations too.

    mmengine logs the step of validation metrics in epochs or in iterations, after a
    setting that the file does not tell. They are placed at the last training iteration
    logged before them, or at their own step if that is later (it is, when it counts
    iterations).

    Args:
        path (str): Anything that :func:`find_scalars` takes.
        name (str, optional): By default the work_dir's name.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A line is not json.
    """
    file = find_scalars(path)
    log = TrainingLog(name or _run_name(path))
    iteration = 0
    for record in _records(file):
        train = _is_training(record)
        step = int(record.get('step', record.get('iter', 0)))
        iteration = step if train else max(step, iteration)
        for key, value in record.items():
            if key in _NOT_METRICS or not isinstance(value, int | float):
                continue
            steps, values = (log.train if train else log.val).setdefault(key, ([], []))
            steps.append(iteration)
            values.append(float(value) if math.isfinite(value) else math.nan)
    return log


def _records(file: str) -> list[dict]:
    records = []
    with open(file, encoding='utf-8') as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(
                    f'{file}, line {number}: not a json record: is this the '
                    'scalars.json that a training run writes?'
                ) from error
            if not isinstance(record, dict):
                raise ValueError(f'{file}, line {number}: not a record of scalars.')
            records.append(record)
    return records


def _is_training(record: dict) -> bool:
    return any(key == 'lr' or key.endswith('loss') for key in record)


def _has_training(file: str) -> bool:
    try:
        return any(_is_training(record) for record in _records(file))
    except ValueError:
        return False


def _run_name(path: str | os.PathLike) -> str:
    parts = os.path.abspath(os.fspath(path)).split(os.sep)
    if parts[-1].endswith('.json'):
        parts = parts[:-1]
    if parts[-1] == 'vis_data':
        parts = parts[:-1]
    # <work_dir>/20261121_031500 is told by its work_dir.
    if len(parts) > 1 and parts[-1].replace('_', '').isdigit():
        parts = parts[:-1]
    return parts[-1]
