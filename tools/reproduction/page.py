"""The page: what the records show, in words, tables and two figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmvis.structures.whole_file import whole_file

from .figures import plot_attributes, plot_claims
from .findings import WAITING, Finding, Findings
from .plan_format import EVERYWHERE, Claim, Plan
from .reach import reach
from .resampling import COVERAGE, DENIED, DRAWS, HELD, NOT_SEEN, Difference

INTRODUCTION = """\
# Reproduction

<!-- Written by tools/reproduce.py from the files in reproduction/runs: change those or
the plan, and not this page. -->

What the papers claim, tried at a size that anyone can repeat: small networks from
scratch, {minutes} minutes of one CPU core each, on the preset `bench` of
[SynthVIS](synth_vis.md). It tells whether an idea does what its paper says where all
else is equal. It does not tell what it is worth with a large backbone on real videos;
numbers here are not the papers'.

```bash
python tools/reproduce.py {plan} --jobs 2       # all of it
python tools/reproduce.py {plan} --claims {example} --list  # CPU minutes it takes
python tools/reproduce.py {plan} --claims {example}
python tools/reproduce.py {plan} --report-only  # this page
```

It may be stopped at any time and started again. On a GPU add
`--jobs 8 --cfg-options train_dataloader.num_workers=1`; the records keep that and the
device, and all rows of a comparison belong on one kind: others are refused. Each run
leaves a json in `docs/en/reproduction/runs/`: config, overrides, seed, the commits that
trained and tested, seconds, all metrics, and which detections of every held-out video
were hits at which threshold, from which AP of any selection of videos can be computed
again.
"""

METHOD = """\
## How it is judged

Differences are of AP (IoU 0.50 to 0.95, mean over the categories) on {videos} held-out
videos, between two rows of the same budget, over {seeds} seeds each; a claim of more
says so. The interval comes from {draws} draws. A draw takes {videos} of the {videos}
videos with replacement, the same for both rows, and {drawn} of the {seeds} seeds with
replacement; a seed brings both rows' trainings of that seed. AP is computed anew on the
drawn videos (one that is drawn twice counts as two videos), for both rows and each
drawn seed, and the
differences are averaged over the drawn seeds. The interval lies between the {low:g}th
and {high:g}th percentile of these averages. It is {drawn} seeds and not {seeds} because
a mean of {drawn} drawn ones varies as a mean of {seeds} trainings is estimated to. An
attribute's AP is that of those of the drawn videos that carry it. What a video does to
one training and not to another is drawn twice, with videos and with seeds: intervals
are rather too wide than too narrow.

* **{held}**: the whole interval is above zero.
* **{denied}**: the whole interval is below zero.
* **{not_seen}**: the interval contains zero; the benchmark cannot tell.
* *{waiting}*: not all seeds are done.

Lines that begin with \u21b3 are further experiments on the claim above them: why it
was not seen, or whether it is where chance is less.
{again}
"In short" has the paper's own difference beside that of here. It is of other data and
larger networks; it tells what is looked for, and below a claim that was not seen stands
whether as much could have been.

A claim is judged on the first line of its table. The other lines, and AP with all
categories as one, say where a difference comes from; of so many intervals of
{coverage:.0%} one or the other misses the truth.
"""

AGAIN = """
Lines "With six seeds for three" count the first three seeds again, and were asked for
when the results of these were known. What chance did to the first three stays in them,
which makes their intervals somewhat optimistic.
"""


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
            times = [findings.minutes(plan.run(n)) for n in (claim.better, claim.than)]
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
    times = [findings.minutes(run) for run in plan.runs if run.test_of is None]
    minutes = sorted(round(time) for time in times if time is not None)
    text = ' to '.join(map(str, dict.fromkeys(minutes[:1] + minutes[-1:]))) or 'some'
    return INTRODUCTION.format(
        minutes=text, plan=plan_path, example=shortest(findings).name
    )


def shortest(findings: Findings) -> Claim:
    """The claim of two trainings that are done in the least time; else the first."""
    plan = findings.plan

    def cost(claim: Claim) -> float:
        times = [findings.minutes(plan.run(n)) for n in (claim.better, claim.than)]
        trained = claim.budget != 'weights' and None not in times
        return sum(times) if trained else math.inf

    return min(plan.claims, key=cost)


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
