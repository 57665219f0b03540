"""The page: what the records show, in words, tables and two figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmvis.structures.whole_file import whole_file

from .figures import plot_attributes, plot_claims
from .findings import WAITING, Finding, Findings
from .page_text import AGAIN, INTRODUCTION, METHOD
from .plan_format import EVERYWHERE, Claim, Plan
from .reach import reach
from .resampling import COVERAGE, DENIED, DRAWS, HELD, NOT_SEEN, Difference


def write_page(findings: Findings, plan_path: str, page: Path) -> list[Path]:
    """Write the page and its figures.

    Args:
        findings: what to tell.
        plan_path: as a user types it.
        page: the page; figures are beside it, in ``images/``.

    Returns:
        What was written.
    """
    plan = findings.plan
    of_claim = {claim.name: findings.of_claim(claim) for claim in plan.claims}
    claims = plan.claims_in_order()
    models = list(dict.fromkeys(claim.model for claim in claims))
    first = [of_claim[claim.name][0] for claim in claims]
    shown = [finding for finding in first if finding.each is not None]
    systems = [name for name in plan.systems if findings.records[name]]
    images = page.parent / 'images'
    written = [page]
    figures = []
    if shown:
        path = images / 'reproduction_claims.svg'
        plot_claims(shown, path)
        figures.append(f'![difference and interval of each claim](images/{path.name})')
        written.append(path)
    parts = [introduction(findings, plan_path), summary(first), *figures]
    parts += [method(findings)]
    for model in models:
        parts += [f'## {model}']
        for claim in [claim for claim in claims if claim.model == model]:
            times = findings.minutes_of_sides(claim)
            parts += section(claim, of_claim[claim.name], times)
    parts += ['## All rows', rows(findings)]
    if systems:
        path = images / 'reproduction_attributes.svg'
        plot_attributes(findings, systems, path)
        parts += [
            'AP by attribute; dots are seeds:',
            f'![AP by attribute](images/{path.name})',
        ]
        written.append(path)
    parts += [provenance(findings)]
    with whole_file(page) as file:
        file.write('\n\n'.join(part.strip() for part in parts if part) + '\n')
    return written


def introduction(findings: Findings, plan_path: str) -> str:
    plan = findings.plan
    scratch = [r for r in plan.runs if r.test_of is None and r.begins_with is None]
    times = [findings.minutes(run) for run in scratch]
    minutes = sorted(round(time) for time in times if time is not None)
    text = ' to '.join(map(str, dict.fromkeys(minutes[:1] + minutes[-1:]))) or 'some'
    return INTRODUCTION.format(
        minutes=text, plan=plan_path, example=shortest(findings).name
    )


def shortest(findings: Findings) -> Claim:
    """The claim of two trainings that are done in the least time; else the first."""

    def cost(claim: Claim) -> float:
        time = findings.minutes_of_all([claim.better, claim.than])
        return math.inf if claim.budget == 'weights' or time is None else time

    return min(findings.plan.claims, key=cost)


def method(findings: Findings) -> str:
    plan = findings.plan
    rest = 50 * (1 - COVERAGE)
    seeds = len(plan.seeds)
    return METHOD.format(
        videos=findings.num_videos,
        seeds=seeds,
        drawn=max(seeds - 1, 1),
        draws=f'{DRAWS:,}',
        low=rest,
        high=100 - rest,
        coverage=COVERAGE,
        held=HELD,
        denied=DENIED,
        not_seen=NOT_SEEN,
        waiting=WAITING,
        again=AGAIN if any(counts_again(plan, c) for c in plan.claims) else '',
    )


def counts_again(plan: Plan, claim: Claim) -> bool:
    """Whether a claim is the one before it with more seeds."""
    return any(
        claim.after == before.name
        and (claim.better, claim.than) == (before.better, before.than)
        and set(plan.seeds_of(claim)) > set(plan.seeds_of(before))
        for before in plan.claims
    )


def summary(findings: Sequence[Finding]) -> str:
    """One line a claim; further experiments are marked."""
    lines = ['## In short', '', '| claim | | paper | here | verdict |']
    lines += ['|---|---|---|---|---|']
    for finding in findings:
        claim = finding.claim
        where = '' if finding.where == EVERYWHERE else f' (`{finding.where}`)'
        lines.append(
            f'| {claim.model} | {mark(claim)}{claim.text}{where} | {gain(claim)} | '
            f'{difference(finding.each)} | {verdict(finding)} |'
        )
    return '\n'.join(lines)


def section(
    claim: Claim, findings: Sequence[Finding], minutes: Sequence[float | None]
) -> Iterator[str]:
    """A claim's table and remark.

    Args:
        claim: the claim.
        findings: what is known of it, place by place.
        minutes: what training its two rows has cost; None where it is not known.
    """
    budgets = {
        'iterations': 'trained for as many iterations',
        'time': 'trained for about the same time',
        'longer': 'trained for longer',
        'weights': 'the same weights, tested in two ways',
    }
    done = f', {findings[0].seeds} seeds so far' * (not findings[0].complete)
    if findings[0].complete and claim.seeds is not None:
        done = f', {len(claim.seeds)} seeds'
    if claim.budget in ('time', 'longer') and None not in minutes:
        done = f' ({minutes[0]:.1f} and {minutes[1]:.1f} CPU minutes){done}'
    yield f'### {mark(claim)}{claim.text.rstrip(".")}'
    yield (
        f'Paper: {claim.paper} `{claim.better}` against `{claim.than}`, '
        f'{budgets[claim.budget]}{done}.'
    )
    if findings[0].each is not None:
        lines = [
            f'| videos | `{claim.better}` | `{claim.than}` | difference | verdict | '
            'categories as one |',
            '|---|---|---|---|---|---|',
        ]
        for finding in findings:
            each = finding.each
            lines.append(
                f'| {finding.where} | {spread(each.better)} | {spread(each.than)} | '
                f'{difference(each)} | {verdict(finding)} | '
                f'{difference(finding.as_one)} |'
            )
        yield '\n'.join(lines)
        yield reach(findings[0])
    yield claim.remark


def rows(findings: Findings) -> str:
    """Mean and spread of every run that has a record."""
    keys = ('AP', 'AP50', 'AP75', 'AP_agnostic', 'AP50_agnostic')
    lines = [
        '| row | seeds | iterations | CPU minutes | AP | AP50 | AP75 | AP as one '
        '| AP50 as one |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    plan = findings.plan
    for run in plan.runs:
        seeds = len(findings.records[run.name])
        if not seeds:
            continue
        cells = [spread(findings.values(run, key)) for key in keys]
        length = f'those of `{run.test_of}`' if run.test_of else str(run.iterations)
        if run.begins_with:
            length += f' after `{run.begins_with}`'
        minutes = '' if run.test_of else f'{findings.minutes(run):.1f}'
        lines.append(
            f'| `{run.name}` | {seeds} | {length} | {minutes} | {" | ".join(cells)} |'
        )
    return '\n'.join(lines) if len(lines) > 2 else 'None is done.'


def provenance(findings: Findings) -> str:
    if not any(findings.records.values()):
        return ''
    commits, torch, devices = map(findings.provenance, ('commit', 'torch', 'device'))
    return (
        f'Runs are of the commits {", ".join(commits)} (`+`: with changes), with torch '
        f'{", ".join(torch)} on {", ".join(devices)}. CPU minutes are those of '
        'training alone. Rows and their overrides are listed in the plan.'
    )


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation (n - 1)."""
    if not values:
        return '-'
    text = f'{np.mean(values):.3f}'
    return text if len(values) == 1 else f'{text} ± {np.std(values, ddof=1):.3f}'


def difference(d: Difference | None) -> str:
    return '' if d is None else f'{d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}]'


def mark(claim: Claim) -> str:
    """What precedes the text of a further experiment."""
    return '' if claim.after is None else '\u21b3 '


def gain(claim: Claim) -> str:
    return '' if claim.gain is None else f'{claim.gain:+.3f}'


def verdict(finding: Finding) -> str:
    mark = '*' if finding.verdict == WAITING else '**'
    return f'{mark}{finding.verdict}{mark}'


def plan_name(path: Path, root: Path) -> str:
    """The plan's path as one types it at the root of the repository."""
    path = path.resolve()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
