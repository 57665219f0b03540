"""What runs cost, as far as their records tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .plan_format import Plan, PlanError, Run
from .run_files import RunFiles, finished, read_record


@dataclass(frozen=True)
class Cost:
    """CPU minutes of training and testing.

    Attributes:
        total: of all runs that are asked for.
        left: of those that are not done.
        unknown: how many no record tells of; they are in neither number.
    """

    total: float
    left: float
    unknown: int

    def __str__(self) -> str:
        if self.unknown and not self.total:
            return 'how long they take, no record tells'
        text = f'all take about {self.total:.0f} CPU minutes, the rest {self.left:.0f}'
        without = f' (without {self.unknown}, of which no record tells)'
        return text + without * bool(self.unknown)


def cost_of(
    plan: Plan,
    jobs: Sequence[tuple[Run, int]],
    files_of: Callable[[Run, int], RunFiles],
) -> Cost:
    """The cost of jobs; one that is not done takes the mean of the run's other seeds.

    Raises:
        PlanError: a record is damaged, or of other settings.
    """
    total = left = 0.0
    unknown = 0
    known: dict[str, dict[int, float]] = {}
    for run, seed in jobs:
        if run.name not in known:
            files = {s: files_of(run, s) for s in plan.seeds_of_run(run)}
            known[run.name] = {
                s: _minutes(run, f) for s, f in files.items() if finished(plan, run, f)
            }
        of_run = known[run.name]
        if not of_run:
            unknown += 1
            continue
        minutes = of_run.get(seed, float(np.mean(list(of_run.values()))))
        total += minutes
        left += minutes * (seed not in of_run)
    return Cost(total, left, unknown)


def _minutes(run: Run, files: RunFiles) -> float:
    # A run that tests another's weights has the seconds of their training, too.
    steps = ('train', 'test') if run.test_of is None else ('test',)
    try:
        seconds = read_record(files.record)['seconds']
        return sum(seconds[step]['cpu'] for step in steps) / 60
    except (KeyError, TypeError) as error:
        raise PlanError(f'{files.record} is damaged ({error!r}); delete it.') from None
