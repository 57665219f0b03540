"""Reads what mmengine's runner writes: vis_data/scalars.json of a work_dir."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

_SEPARATOR = ' · '
_NOT_METRICS = frozenset({'step', 'iter', 'epoch', 'time', 'data_time', 'memory'})


@dataclass
class TrainingLog:
    """Curves of one run.

    Attributes:
        name (str): What to call it in a title: config, work_dir, time.
        train (dict[str, tuple[list[int], list[float]]]): Key -> (iterations, values) of
            losses, learning rates, grad_norm, ...
        val (dict[str, tuple[list[int], list[float]]]): The same for validation metrics.
        parts (tuple[str, ...]): Of the name, where it was not given.
    """

    name: str
    train: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    val: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()


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
        name (str, optional): By default the names of config and work_dir, and the
            run's time.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A line is not json.
    """
    file = find_scalars(path)
    parts = () if name else _run_parts(file)
    log = TrainingLog(name or _SEPARATOR.join(parts), parts=parts)
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


def telling_names(logs: Sequence[TrainingLog]) -> list[str]:
    """Names of several runs without the parts that all have in common."""
    parts = [log.parts for log in logs]
    if len({len(of) for of in parts}) > 1 or not all(parts):
        return [log.name for log in logs]
    telling = [i for i, of in enumerate(zip(*parts, strict=True)) if len(set(of)) > 1]
    if not telling:
        return [log.name for log in logs]
    return [_SEPARATOR.join(of[i] for i in telling) for of in parts]


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


def _run_parts(file: str) -> tuple[str, ...]:
    """Config, work_dir and time of <work_dir>/<time>/vis_data/scalars.json.

    The work_dir is told with the folder it lies in. A file that lies elsewhere is told
    by its folder.
    """
    folder = os.path.dirname(os.path.abspath(file))
    if os.path.basename(folder) == 'vis_data':
        folder = os.path.dirname(folder)
    work_dir, run = os.path.split(folder)
    if not run.replace('_', '').isdigit():
        return (run,)
    place = os.path.join(*work_dir.split(os.sep)[-2:])
    config = _config_name(work_dir, os.path.join(os.path.dirname(file), 'config.py'))
    if config is None or config == os.path.basename(work_dir):
        return (place, run)
    return (config, place, run)


def _config_name(work_dir: str, used: str) -> str | None:
    """Name of the merged config that a runner left in its work_dir.

    Args:
        used: the run's own copy, which tells several of them apart.
    """
    files = [name for name in sorted(os.listdir(work_dir)) if name.endswith('.py')]
    if len(files) > 1 and os.path.isfile(used):
        content = _content(used)
        files = [f for f in files if _content(os.path.join(work_dir, f)) == content]
    if len(files) != 1:
        return None
    return files[0].removesuffix('.py').removesuffix('_merged')


def _content(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read()
