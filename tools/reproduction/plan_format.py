"""The form of a plan: which trainings there are, and what they are to show."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = 'all'
"""The place of a claim that is about all videos."""


class PlanError(ValueError):
    """A plan cannot be used as it is; the message is for the user."""


@dataclass(frozen=True)
class Run:
    """One row of a comparison; it is run once a seed.

    Attributes:
        name: letters, digits and underscores.
        config: path from the root of the repository; of a ``test_of`` run, by default,
            the other's.
        iterations: length of the training, to which the learning rate's schedule is
            fitted; None for a ``test_of`` run.
        overrides: entries to replace, by dotted key, as after ``--cfg-options``.
        test_of: name of the run whose weights are tested with other settings. Its
            overrides hold here as well, before these.
        begins_with: name of a run earlier in the list. Training begins with its weights
            of the same seed, as far as this run has them.
    """

    name: str
    config: str = ''
    iterations: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    test_of: str | None = None
    begins_with: str | None = None


@dataclass(frozen=True)
class Claim:
    """What a paper says of two rows: ``better`` has a higher AP than ``than``.

    Attributes:
        name: letters, digits and underscores.
        model: heading under which the page has it.
        text: the claim in a sentence.
        paper: where the paper says so, with its numbers.
        better, than: names of runs.
        where: of which videos it is said: ``'all'`` or attributes. The first counts for
            the claim, the others are shown beside it.
        budget: 'iterations', both sides are trained for as many, those of the runs
            that they begin with included; or 'time', for about
            the same CPU time; 'longer', the better side for longer; 'weights', both
            sides test the same weights.
        remark: what the page says below the table.
        seeds: with which both sides are trained; by default the plan's.
        gain: the paper's difference in AP, of 1; None where it gives no number for it.
        after: name of the claim that this one is a further experiment on: it asks why
            that one was not seen, or whether it is seen where chance is less.
    """

    name: str
    model: str
    text: str
    paper: str
    better: str
    than: str
    where: Sequence[str] = (EVERYWHERE,)
    budget: str = 'iterations'
    remark: str = ''
    seeds: Sequence[int] | None = None
    gain: float | None = None
    after: str | None = None


@dataclass(frozen=True)
class Plan:
    """All of it; the order of the claims is that in which their runs are begun.

    Attributes:
        data_root: where the data is expected, from the root of the repository.
        preset: the SynthVIS preset, which is written there if it is not.
        seeds: of every run and claim, where the claim names no others.
        runs, claims: see there.
        systems: names of the runs whose AP by attribute is shown side by side.
        videos: how many to train on and to test on; by default the preset's numbers.
    """

    data_root: str
    preset: str
    seeds: Sequence[int]
    runs: Sequence[Run]
    claims: Sequence[Claim]
    systems: Sequence[str] = ()
    videos: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for kind, items in (('run', self.runs), ('claim', self.claims)):
            names = [item.name for item in items]
            for name in names:
                if not re.fullmatch(r'\w+', name):
                    raise PlanError(f'{name!r} is no name of a {kind}: use only \\w.')
                if names.count(name) > 1:
                    raise PlanError(f'The {kind} {name} is there twice.')
        for run in self.runs:
            self._check_run(run)
        for claim in self.claims:
            self._check_claim(claim)
        for name in self.systems:
            self.run(name, 'systems')

    def _check_run(self, run: Run) -> None:
        if run.test_of is not None:
            parent = self.run(run.test_of, f'test_of of the run {run.name}')
            if parent.test_of is not None:
                raise PlanError(
                    f'{run.name} tests {parent.name}, which has no weights of its own: '
                    f'set test_of={parent.test_of!r}.'
                )
            if run.iterations is not None:
                raise PlanError(f'{run.name} is only tested: it has no iterations.')
            if run.begins_with is not None:
                raise PlanError(f'{run.name} is only tested: it begins with nothing.')
            return
        if run.iterations is None or run.iterations < 1:
            raise PlanError(f'The run {run.name} needs iterations, or test_of.')
        if not (ROOT / run.config).is_file():
            raise PlanError(f'{run.config}, of the run {run.name}, does not exist.')
        if run.begins_with is not None:
            first = self.run(run.begins_with, f'begins_with of the run {run.name}')
            if first.test_of is not None:
                raise PlanError(
                    f'{run.name} begins with {first.name}, which has no weights of its '
                    f'own: set begins_with={first.test_of!r}.'
                )
            if first not in takewhile(lambda other: other is not run, self.runs):
                raise PlanError(
                    f'{run.name} begins with {first.name}, which is not before it in '
                    'the list of runs.'
                )

    def _check_claim(self, claim: Claim) -> None:
        sides = [
            self.run(name, f'the claim {claim.name}')
            for name in (claim.better, claim.than)
        ]
        if not claim.where:
            raise PlanError(f'The claim {claim.name} is about no videos.')
        before = takewhile(lambda other: other is not claim, self.claims)
        if claim.after is not None and claim.after not in {c.name for c in before}:
            raise PlanError(
                f'{claim.name} is a further experiment on {claim.after}, but there is '
                'no such claim before it.'
            )
        if not self.seeds_of(claim):
            raise PlanError(f'The claim {claim.name} has no seeds.')
        trained = [self.trained(side) for side in sides]
        same = {
            'iterations': self.length(sides[0]) == self.length(sides[1]),
            'time': True,
            'longer': True,
            'weights': trained[0] == trained[1],
        }
        if not same.get(claim.budget, False):
            raise PlanError(
                f'The claim {claim.name} compares {claim.better} and {claim.than} at '
                f'budget={claim.budget!r}, which they do not have in common.'
            )

    def run(self, name: str, asked_by: str = 'the command') -> Run:
        """The run of a name.

        Raises:
            PlanError: there is none.
        """
        for run in self.runs:
            if run.name == name:
                return run
        raise PlanError(f'There is no run {name!r}, which {asked_by} names.')

    def claims_in_order(self) -> list[Claim]:
        """Model by model, each claim followed by the further experiments on it."""

        def with_experiments(claim: Claim) -> Iterator[Claim]:
            yield claim
            for other in self.claims:
                if other.after == claim.name:
                    yield from with_experiments(other)

        models = list(dict.fromkeys(claim.model for claim in self.claims))
        firsts = [claim for claim in self.claims if claim.after is None]
        firsts.sort(key=lambda claim: models.index(claim.model))
        return [claim for first in firsts for claim in with_experiments(first)]

    def seeds_of(self, claim: Claim) -> Sequence[int]:
        """The seeds over which a claim is judged."""
        return self.seeds if claim.seeds is None else claim.seeds

    def seeds_of_run(self, run: Run) -> list[int]:
        """All seeds that a row may have: the plan's, and those of its claims."""
        asked = [
            seed
            for claim in self.claims
            for side in map(self.run, (claim.better, claim.than))
            if run in self.lineage(side)
            for seed in self.seeds_of(claim)
        ]
        return list(dict.fromkeys([*self.seeds, *asked]))

    def trained(self, run: Run) -> Run:
        """The run whose weights a run has: its own, or another's."""
        return run if run.test_of is None else self.run(run.test_of)

    def lineage(self, run: Run) -> list[Run]:
        """The runs whose weights a run needs, in the order of their use, and it."""
        needed = run.test_of or run.begins_with
        before = [] if needed is None else self.lineage(self.run(needed))
        return [*before, run]

    def length(self, run: Run) -> int:
        """Iterations that its weights have been trained for."""
        return sum(r.iterations or 0 for r in self.lineage(run))

    def config_of(self, run: Run) -> str:
        """Path of its config from the root of the repository."""
        return run.config or self.trained(run).config

    def overrides_of(self, run: Run) -> dict[str, Any]:
        """All entries that are replaced, those of a run that it tests first."""
        inherited = {} if run.test_of is None else self.trained(run).overrides
        return {**inherited, **run.overrides}

    def jobs(self, claims: Sequence[str] | None = None) -> list[tuple[Run, int]]:
        """(run, seed) in the order to begin them: claim by claim, seed by seed.

        Args:
            claims: only what these need; by default everything, runs without a claim
                at the end.

        Raises:
            PlanError: there is no such claim.
        """
        known = {claim.name: claim for claim in self.claims}
        unknown = [name for name in claims or () if name not in known]
        if unknown:
            raise PlanError(
                f'There is no claim {", ".join(unknown)}; there are: '
                f'{", ".join(known) or "none"}.'
            )
        jobs: dict[tuple[str, int], None] = {}
        for claim in self.claims if claims is None else [known[n] for n in claims]:
            for seed in self.seeds_of(claim):
                for name in (claim.better, claim.than):
                    for run in self.lineage(self.run(name)):
                        jobs[run.name, seed] = None
        if claims is None:
            for run in sorted(self.runs, key=lambda run: run.test_of is not None):
                for seed in self.seeds:
                    jobs[run.name, seed] = None
        return [(self.run(name), seed) for name, seed in jobs]


def read_plan(path: str | Path) -> Plan:
    """The ``PLAN`` of a Python file.

    Raises:
        PlanError: There is none, or it is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise PlanError(f'The plan {path} does not exist.')
    try:
        plan = runpy.run_path(str(path)).get('PLAN')
    except PlanError as error:
        raise PlanError(f'{path}: {error}') from None
    except Exception as error:
        raise PlanError(f'{path}: {type(error).__name__}: {error}') from error
    if not isinstance(plan, Plan):
        raise PlanError(f'{path} has no PLAN, a reproduction.Plan.')
    return plan
