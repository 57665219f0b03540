"""What the records say about a plan's runs and claims, before any word is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmvis.datasets.synth_vis import PRESETS
from mmvis.evaluation.match_records import MatchRecords

from .plan_format import EVERYWHERE, Claim, Plan, PlanError, Run
from .resampling import DRAWS, Bootstrap, Difference
from .run_files import RunFiles, finished, read_record

WAITING = 'waiting'


@dataclass(frozen=True)
class Record:
    """One run's json, with its matches read.

    Attributes:
        name: ``<run>_seed<n>``.
        content: the json.
        matches: with the categories as they are.
        as_one: with all categories as one.
    """

    name: str
    content: Mapping[str, Any]
    matches: MatchRecords
    as_one: MatchRecords


@dataclass(frozen=True)
class Finding:
    """A claim at one place.

    Attributes:
        claim: which.
        where: ``'all'`` or an attribute.
        seeds: how many both sides have.
        each: the difference in AP; None before the first seed.
        as_one: the same with all categories as one.
        complete: whether all seeds of the claim are there.
    """

    claim: Claim
    where: str
    seeds: int
    each: Difference | None
    as_one: Difference | None
    complete: bool

    @property
    def verdict(self) -> str:
        """That of AP; WAITING until all seeds are there."""
        if self.each is None or not self.complete:
            return WAITING
        return self.each.verdict


class Findings:
    """All that is known of a plan.

    Args:
        plan: the plan.
        folder: of the records.
        draws: of the bootstrap.

    Raises:
        PlanError: a record is damaged, of other settings, or of other videos.
    """

    def __init__(self, plan: Plan, folder: Path, draws: int = DRAWS) -> None:
        self.plan = plan
        self.records: dict[str, dict[int, Record]] = {}
        for run in plan.runs:
            self.records[run.name] = {}
            for seed in plan.seeds_of_run(run):
                files = RunFiles.of(run, seed, folder, folder)
                if finished(plan, run, files):
                    record = _read(files)
                    self.records[run.name][seed] = record
        every = [r for of_run in self.records.values() for r in of_run.values()]
        for record in every[1:]:
            if not _same_videos(record.matches, every[0].matches):
                raise PlanError(
                    f'{record.name} and {every[0].name} were tested on different '
                    'videos: delete the one that is wrong.'
                )
        # Those of the plan, until a record says so.
        _, planned = plan.videos or PRESETS[plan.preset].num_videos
        self.num_videos = every[0].matches.num_videos if every else planned
        self.attributes = list(every[0].matches.attributes) if every else []
        if every:
            self._bootstraps = [Bootstrap(self.num_videos, draws) for _ in range(2)]

    def of_claim(self, claim: Claim) -> list[Finding]:
        """One finding a place, the first of them the claim's.

        Raises:
            PlanError: its records are not of one device and the same options, or no
                video is of the place.
        """
        return [self._finding(claim, where) for where in claim.where]

    def _finding(self, claim: Claim, where: str) -> Finding:
        better, than = (self.records[n] for n in (claim.better, claim.than))
        planned = self.plan.seeds_of(claim)
        seeds = [s for s in planned if s in better and s in than]
        complete = len(seeds) == len(planned)
        if not seeds:
            return Finding(claim, where, 0, None, None, complete)
        if where != EVERYWHERE and where not in self.attributes:
            raise PlanError(
                f'The claim {claim.name} is about {where!r}, which no video carries.'
            )
        _check_alike(claim, [side[s] for s in seeds for side in (better, than)])
        differences = [
            bootstrap.difference(
                *(
                    {side[s].name: getattr(side[s], kind) for s in seeds}
                    for side in (better, than)
                ),
                where,
            )
            for bootstrap, kind in zip(
                self._bootstraps, ('matches', 'as_one'), strict=True
            )
        ]
        return Finding(claim, where, len(seeds), *differences, complete)

    def minutes_of_sides(self, claim: Claim) -> list[float | None]:
        """CPU minutes of all that each side's weights need, with the claim's seeds."""
        seeds = self.plan.seeds_of(claim)
        return [self.minutes_of_all([n], seeds) for n in (claim.better, claim.than)]

    def values(self, run: Run, key: str) -> list[float]:
        """One of the metrics, by seed; those that are not known are left out."""
        records = self.records[run.name].values()
        values = [record.content['metrics'].get(key) for record in records]
        return [value for value in values if value is not None]

    def minutes(self, run: Run, seeds: Sequence[int] | None = None) -> float | None:
        """CPU minutes of a training, the mean over its seeds, or over some of them.

        Without those of the run that it begins with.
        """
        times = [
            record.content['seconds']['train']['cpu']
            for seed, record in self.records[run.name].items()
            if seeds is None or seed in seeds
        ]
        return float(np.mean(times)) / 60 if times else None

    def minutes_of_all(
        self, names: Sequence[str], seeds: Sequence[int] | None = None
    ) -> float | None:
        """CPU minutes of all trainings whose weights some runs need, each once."""
        runs = {r.name: r for n in names for r in self.plan.lineage(self.plan.run(n))}
        times = [self.minutes(r, seeds) for r in runs.values() if r.test_of is None]
        known = [time for time in times if time is not None]
        return sum(known) if len(known) == len(times) else None

    def provenance(self, key: str) -> list[str]:
        """All values that the records have of 'torch', 'device' or 'commit'.

        Commits are those of trainings, too, where they are known.
        """
        keys = (key, 'trained_commit') if key == 'commit' else (key,)
        values = [
            value
            for of_run in self.records.values()
            for record in of_run.values()
            for k in keys
            if k in record.content
            for value in record.content[k].split(', ')
        ]
        return sorted(set(values))


def _read(files: RunFiles) -> Record:
    content = read_record(files.record)
    try:
        matches, as_one = (
            MatchRecords.from_json(content[key])
            for key in ('matches', 'matches_agnostic')
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise PlanError(f'{files.record} is damaged ({error!r}); delete it.') from None
    return Record(files.name, content, matches, as_one)


def _check_alike(claim: Claim, records: Sequence[Record]) -> None:
    """Refuse to compare what was made on different devices or with other options."""
    first, *others = records
    for record in others:
        for key, default in (('device', 'cpu'), ('options', {})):
            values = [r.content.get(key, default) for r in (first, record)]
            if values[0] != values[1]:
                raise PlanError(
                    f'{first.name} and {record.name}, which the claim {claim.name} '
                    f'compares, differ in {key}: {values[0]} and {values[1]}. Delete '
                    'the record that is to be made again.'
                )


def _same_videos(one: MatchRecords, other: MatchRecords) -> bool:
    """As far as records tell: the same objects with the same attributes."""
    return (
        one.num_videos == other.num_videos
        and one.attributes.keys() == other.attributes.keys()
        and all((v == other.attributes[k]).all() for k, v in one.attributes.items())
        and all(
            (a.positives == b.positives).all()
            for a, b in zip(one.categories, other.categories, strict=True)
        )
    )
