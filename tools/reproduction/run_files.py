"""Where a run's files are, and the json that it leaves."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvis.structures.whole_file import whole_file
from mmvis.version import __version__

from .plan_format import ROOT, Plan, PlanError, Run


@dataclass(frozen=True)
class RunFiles:
    """Paths of one run with one seed.

    Attributes:
        name: ``<run>_seed<n>``.
        record: the json that says that it is done, and with what result.
        folder: config, weights, log and results; needed again by ``test_of`` runs.
    """

    name: str
    record: Path
    folder: Path

    @classmethod
    def of(cls, run: Run, seed: int, records: Path, out: Path) -> RunFiles:
        name = f'{run.name}_seed{seed}'
        return cls(name, records / f'{name}.json', out / name)

    @property
    def config(self) -> Path:
        return self.folder / 'config.py'

    @property
    def work_dir(self) -> Path:
        return self.folder / 'work_dir'

    @property
    def log(self) -> Path:
        return self.folder / 'log.txt'

    @property
    def lock(self) -> Path:
        return self.folder / 'lock'

    def checkpoint(self, iterations: int) -> Path:
        return self.work_dir / f'iter_{iterations}.pth'


def settings_of(plan: Plan, run: Run) -> dict[str, Any]:
    """What decides a run's result besides seed and code, as json has it."""
    first = plan.trained(run).begins_with
    settings = {
        'config': plan.config_of(run),
        'iterations': plan.trained(run).iterations,
        'overrides': plan.overrides_of(run),
        'test_of': run.test_of,
        # Whole: weights of other settings are other weights to begin with.
        'begins_with': first and {'run': first, **settings_of(plan, plan.run(first))},
    }
    return json.loads(json.dumps(settings))


def read_record(path: Path) -> dict[str, Any]:
    """A run's json.

    Raises:
        PlanError: it is damaged.
    """
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise PlanError(f'{path} is not json: {error}; delete it.') from None
    if not isinstance(record, dict) or 'settings' not in record:
        raise PlanError(f'{path} is no record of a run; delete it.')
    return record


def finished(plan: Plan, run: Run, files: RunFiles) -> bool:
    """Whether the record of a run is there.

    Raises:
        PlanError: it is, but of other settings than the plan's.
    """
    if not files.record.is_file():
        return False
    settings = settings_of(plan, run)
    there = read_record(files.record)['settings']
    different = [key for key in settings if settings[key] != there.get(key)]
    if different:
        raise PlanError(
            f'{files.record} was made with other {" and ".join(different)} than the '
            f'plan has for {run.name}: delete it'
            f'{"" if run.test_of else f" and {files.folder}"}, or give the run another '
            'name.'
        )
    return True


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a run's json: a line a part, short enough to be committed."""
    parts = [f'{json.dumps(key)}: {json.dumps(v)}' for key, v in record.items()]
    with whole_file(path) as file:
        file.write('{\n' + ',\n'.join(parts) + '\n}\n')


def code_version() -> str:
    """The commit that runs, '+' where files differ from it; else mmvis's version."""

    def git(*arguments: str) -> str:
        command = ['git', '-C', str(ROOT), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git('status', '--porcelain', '--untracked-files=no')
        return git('rev-parse', '--short=10', 'HEAD') + ('+' if changed else '')
    except (OSError, subprocess.CalledProcessError):
        return __version__
