"""The page says what the records say, and the committed one what the committed say."""

import dataclasses
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from made_records import SKILLS, make_records
from reproduction.figures import plot_claims
from reproduction.findings import Findings
from reproduction.page import section, write_page
from reproduction.plan_format import Claim, Plan, PlanError, read_plan
from reproduction.resampling import DRAWS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / 'docs/en'


def page_of(plan, folder, page) -> str:
    write_page(Findings(plan, folder, draws=200), 'plan.py', page)
    return page.read_text()


def row(text, start) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_numbers_and_verdicts(plan, tmp_path):
    contents = make_records(plan, tmp_path / 'runs', SKILLS)
    text = page_of(plan, tmp_path / 'runs', tmp_path / 'page.md')
    assert row(text, '| SG-Net | It helps. |')[-1] == '**held**'
    cells = row(text, '| SG-Net | It helps too. (`twins`)')
    assert cells[-1] == '**denied**' and cells[3].startswith('-0.')
    values = [contents['odd'][seed]['metrics']['AP50'] for seed in range(3)]
    cells = row(text, '| `odd` |')
    assert cells[1:4] == ['3', 'those of `weak`', '']
    assert cells[5] == f'{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}'
    assert row(text, '| `weak` |')[2:4] == ['40', '11.0']  # minutes: mean of 10, 11, 12
    words = ' '.join(text.split())
    assert '30 of the 30 videos' in words and '2 of the 3 seeds' in words
    assert 'the same weights, tested in two ways' in text and '\nWhy.\n' in text
    assert not re.search(r'\{\w*\}', text), 'a placeholder is left'


def test_further_experiments_follow_their_claims(plan, tmp_path):
    good, bad, tested = plan.claims
    more = dataclasses.replace(good, name='more', text='More.', after='good')
    most = dataclasses.replace(good, name='most', text='Most.', after='more')
    plan = dataclasses.replace(plan, claims=[good, bad, tested, more, most])
    text = page_of(plan, tmp_path / 'runs', tmp_path / 'page.md')
    told = [line.split(' | ')[1] for line in text.splitlines() if '| SG-Net |' in line]
    expected = [
        'It helps.',
        '\u21b3 More.',
        '\u21b3 Most.',
        'It helps too. (`twins`)',
        'So.',
    ]
    assert told == expected
    with pytest.raises(PlanError, match='on more, but there is no such claim before'):
        dataclasses.replace(plan, claims=[good, most, more])


@pytest.mark.parametrize(
    ('gain', 'said'),
    [
        (0.01, "The paper's +0.010 is in the interval as well: a gain below"),
        (0.9, "The paper's +0.900 is outside the interval: as much is not there"),
        (None, '\nA gain below about'),
    ],
)
def test_what_an_interval_could_have_shown(plan, tmp_path, gain, said):
    # Two rows of chance alike.
    claim = Claim('x', 'SG-Net', 'Same.', 'T.', 'strong', 'weak', gain=gain)
    plan = dataclasses.replace(plan, claims=[claim])
    make_records(plan, tmp_path / 'runs', dict.fromkeys(SKILLS, 0.5))
    text = page_of(plan, tmp_path / 'runs', tmp_path / 'page.md')
    cells = row(text, '| SG-Net | Same. |')
    assert cells[2] == ('' if gain is None else f'{gain:+.3f}')
    assert cells[-1] == '**not seen**' and said in text
    found = Findings(plan, tmp_path / 'runs', draws=200).of_claim(claim)[0].each
    assert f'±{found.videos:.3f}, of the trainings alone ±{found.trainings:.3f}' in text
    half = (found.high - found.low) / 2
    assert 0 < found.videos < half
    takes = re.search(r"the paper's takes about (\S+) times as many", text)
    assert (takes is not None) == (gain == 0.01)
    if takes is not None:  # so many are needed that chance is as much as the gain
        assert half / float(takes[1]) ** 0.5 == pytest.approx(gain, rel=0.05)


def test_figures_show_every_claim(plan, tmp_path):
    make_records(plan, tmp_path / 'runs', SKILLS)
    text = page_of(plan, tmp_path / 'runs', tmp_path / 'page.md')
    for name in ('claims', 'attributes'):
        path = tmp_path / f'images/reproduction_{name}.svg'
        assert f'images/{path.name}' in text
        shown = ''.join(ElementTree.parse(path).getroot().itertext())
        for word in {
            'claims': ('good', 'bad (twins)', 'tested', 'held', 'denied'),
            'attributes': ('strong', 'weak', 'blur', 'twins', 'all'),
        }[name]:
            assert word in shown, (name, word)


def test_the_same_records_give_the_same_files(plan, tmp_path):
    make_records(plan, tmp_path / 'runs', SKILLS)
    for folder in ('one', 'two'):
        page_of(plan, tmp_path / 'runs', tmp_path / folder / 'page.md')
    for path in (tmp_path / 'one').rglob('*.*'):
        other = tmp_path / 'two' / path.relative_to(tmp_path / 'one')
        assert path.read_bytes() == other.read_bytes()


def test_a_figure_does_not_depend_on_last_digits(plan, tmp_path):
    make_records(plan, tmp_path, SKILLS)
    found = Findings(plan, tmp_path, draws=50).of_claim(plan.claims[0])[0]
    each = found.each
    texts = []
    for change in (0, 1e-8, 0.001):
        moved = dataclasses.replace(each, low=each.low - change)
        path = tmp_path / 'figure.svg'
        plot_claims([dataclasses.replace(found, each=moved)], path)
        texts.append(path.read_text())
    assert texts[0] == texts[1] != texts[2]


def test_claims_wait_for_all_seeds(plan, tmp_path):
    runs = tmp_path / 'runs'
    assert page_of(plan, runs, tmp_path / 'page.md').count('*waiting*') == 4
    make_records(plan, runs, SKILLS, seeds=[0, 1])
    text = page_of(plan, runs, tmp_path / 'page.md')
    cells = row(text, '| SG-Net | It helps. |')
    assert cells[-1] == '*waiting*' and cells[3].startswith('+0.')
    assert '2 seeds so far' in text


def test_a_claim_of_more_seeds(plan, tmp_path):
    more = [
        Claim('m', 'SG-Net', 'More.', 'T.', 'strong', 'weak', seeds=range(5)),
        Claim('n', 'SG-Net', 'Most.', 'T.', 'strong', 'weak', seeds=range(6)),
    ]
    plan = dataclasses.replace(plan, claims=[*plan.claims, *more])
    make_records(plan, tmp_path / 'runs', SKILLS, seeds=range(5))
    text = page_of(plan, tmp_path / 'runs', tmp_path / 'page.md')
    assert row(text, '| SG-Net | It helps. |')[-1] == '**held**'
    assert row(text, '| SG-Net | More. |')[-1] == '**held**'
    assert row(text, '| SG-Net | Most. |')[-1] == '*waiting*'
    assert 'iterations, 5 seeds.' in text and 'iterations, 5 seeds so far.' in text
    found = Findings(plan, tmp_path / 'runs', draws=2)
    findings = [found.of_claim(claim)[0] for claim in plan.claims]
    assert [len(f.each.better) for f in findings] == [3, 3, 3, 5, 5]


def test_more_seeds_once_the_first_were_known_are_said_to_be_optimistic(plan, tmp_path):
    good, bad, _ = plan.claims
    said = []
    for more in (
        dataclasses.replace(good, name='more', after='good', seeds=range(6)),
        dataclasses.replace(bad, name='more', after='good', seeds=range(6)),
        dataclasses.replace(good, name='more', after='good', seeds=range(3, 6)),
        dataclasses.replace(good, name='more', seeds=range(6)),
    ):
        other = dataclasses.replace(plan, claims=[*plan.claims, more])
        text = page_of(other, tmp_path / 'runs', tmp_path / 'page.md')
        assert '{again}' not in text
        said.append('intervals somewhat optimistic' in ' '.join(text.split()))
    assert said == [True, False, False, False]


@pytest.fixture(scope='module')
def committed_plan():
    return read_plan(ROOT / 'tools/reproduction/plan.py')


def written(plan, folder, draws) -> str:
    """The page of the committed records, in a folder that gets its figures too."""
    findings = Findings(plan, DOCS / 'reproduction/runs', draws)
    page = folder / 'reproduction.md'
    write_page(findings, 'tools/reproduction/plan.py', page)
    return page.read_text()


def without_draws(text: str) -> str:
    """A page without intervals, verdicts and what is said of their width."""
    text = re.sub(r'\[[+-][0-9.]+, [+-][0-9.]+\]', '[]', text)
    text = re.sub(r'\*\*(held|not seen|denied)\*\* \|', '|', text)
    return re.sub("^(A gain below|The paper's|Chance of) .*", '', text, flags=re.M)


def check_figure(path: Path) -> None:
    committed = DOCS / 'images' / path.name
    made_by = [
        re.search('Matplotlib v[0-9.]*', p.read_text())[0] for p in (path, committed)
    ]
    # Another release draws other paths.
    if made_by[0] == made_by[1]:
        assert path.read_text() == committed.read_text(), path.name


def rows_and_styles(path: Path, plan: Plan) -> list[str]:
    """Names of a figure's rows, and how their lines are drawn but for colours."""
    root = ElementTree.parse(path).getroot()
    names = {claim.name for claim in plan.claims}
    shown = [text for text in root.itertext() if text.split(' (')[0] in names]
    lines = [
        part for part in root.find(".//*[@id='axes_1']") if 'line' in part.get('id')
    ]
    # A mark is defined, with an id, where one of its colour first stands.
    styles = [
        part.get('style')
        for line in lines
        for part in line.iter()
        if part.get('style') and not part.get('id')
    ]
    return shown + [re.sub('#[0-9a-f]{6}', '', style) for style in styles]


TO_TYPE = 'run python tools/reproduce.py tools/reproduction/plan.py --report-only'


def test_the_committed_page_is_what_the_committed_records_give(
    committed_plan, tmp_path
):
    """But for intervals, which take thousands of draws: all that few draws give."""
    text = written(committed_plan, tmp_path, draws=20)
    committed = (DOCS / 'reproduction.md').read_text()
    assert without_draws(text) == without_draws(committed), TO_TYPE
    check_figure(tmp_path / 'images/reproduction_attributes.svg')
    rows, committed_rows = (
        rows_and_styles(folder / 'images/reproduction_claims.svg', committed_plan)
        for folder in (tmp_path, DOCS)
    )
    assert rows == committed_rows and len(rows) > 50, TO_TYPE


def test_some_committed_intervals_are_what_the_committed_records_give(committed_plan):
    findings = Findings(committed_plan, DOCS / 'reproduction/runs')
    committed = (DOCS / 'reproduction.md').read_text().splitlines()
    done = [
        claim
        for claim in committed_plan.claims
        if all(
            len(findings.records[name]) >= len(committed_plan.seeds_of(claim))
            for name in (claim.better, claim.than)
        )
    ]
    for claim in done[::8]:
        found = findings.of_claim(dataclasses.replace(claim, where=claim.where[:1]))
        times = findings.minutes_of_sides(claim)
        lines = '\n'.join(section(claim, found, times)).splitlines()
        assert any(line.startswith(f'| {claim.where[0]} |') for line in lines)
        assert set(lines) <= set(committed), TO_TYPE


@pytest.mark.full
def test_the_committed_page_with_its_intervals(committed_plan, tmp_path):
    text = written(committed_plan, tmp_path, DRAWS)
    assert text == (DOCS / 'reproduction.md').read_text(), TO_TYPE
    for path in (tmp_path / 'images').glob('*.svg'):
        check_figure(path)


def test_every_committed_record_is_of_the_plan(committed_plan):
    """A record whose run was renamed or dropped would lie there unseen."""
    plan = committed_plan
    known = {
        f'{run.name}_seed{seed}' for run in plan.runs for seed in plan.seeds_of_run(run)
    }
    for path in (DOCS / 'reproduction/runs').glob('*.json'):
        assert path.stem in known
        assert json.loads(path.read_text())['commit']
