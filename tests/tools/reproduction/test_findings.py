"""Records that belong together, and those that are refused."""

import json
import re
from pathlib import Path

import pytest
from made_records import CONFIG, SKILLS, make_records
from reproduction.findings import Findings
from reproduction.plan_format import Claim, Plan, PlanError, Run

from mmvis.datasets.synth_vis import ATTRIBUTES
from mmvis.evaluation.match_records import MatchRecords

COMMITTED = Path(__file__).parents[3] / 'docs/en/reproduction/runs'


def test_records_of_other_settings_are_refused(plan, tmp_path):
    make_records(plan, tmp_path, SKILLS)
    runs = [Run('strong', CONFIG, 41), *plan.runs[1:]]
    other = Plan('data', 'bench', plan.seeds, runs, [])
    with pytest.raises(PlanError, match=r'strong_seed0.json was .* other iterations'):
        Findings(other, tmp_path)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda text: text[:-30], 'is not json'),
        (lambda text: '[]', 'no record'),
        (lambda text: text.replace('matches_agnostic', 'matches_x'), 'is damaged'),
        (lambda text: text.replace('"hits": [1', '"hits": [99999, 1'), 'is damaged'),
        (lambda text: text.replace('"blur": [0, ', '"blur": ['), 'different videos'),
    ],
)
def test_damaged_records_are_refused(plan, tmp_path, change, message):
    make_records(plan, tmp_path, SKILLS)
    path = tmp_path / 'weak_seed1.json'
    path.write_text(change(path.read_text()))
    with pytest.raises(PlanError, match=message):
        Findings(plan, tmp_path)


@pytest.mark.parametrize(
    ('key', 'value'),
    [('device', 'NVIDIA H200'), ('options', {'train_dataloader.num_workers': 1})],
)
def test_rows_of_different_kinds_are_not_compared(plan, tmp_path, key, value):
    good, _, tested = plan.claims
    make_records(plan, tmp_path, SKILLS)
    path = tmp_path / 'strong_seed1.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    findings = Findings(plan, tmp_path, draws=2)
    said = f'strong_seed0 and strong_seed1, .* good compares, differ in {key}: .* and '
    with pytest.raises(PlanError, match=said + re.escape(str(value))):
        findings.of_claim(good)
    findings.of_claim(tested)  # is not about that row
    # Both rows of every seed were made again.
    for path in tmp_path.glob('*.json'):
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    Findings(plan, tmp_path, draws=2).of_claim(good)


def test_a_place_that_no_video_has(plan, tmp_path):
    make_records(plan, tmp_path, SKILLS)
    claim = Claim('x', 'SG-Net', 'So.', 'T.', 'strong', 'weak', where=('blurr',))
    with pytest.raises(PlanError, match="'blurr', which no video carries"):
        Findings(plan, tmp_path).of_claim(claim)


def test_commits_are_those_of_trainings_too(plan, tmp_path):
    make_records(plan, tmp_path, SKILLS)
    path = tmp_path / 'odd_seed2.json'
    content = {**json.loads(path.read_text()), 'trained_commit': 'early, late'}
    path.write_text(json.dumps(content))
    findings = Findings(plan, tmp_path, draws=2)
    assert findings.provenance('commit') == ['abc', 'early', 'late']
    assert findings.provenance('device') == ['cpu']


def test_committed_records_show_every_attribute_in_twenty_videos():
    """As measured in the masks that were tested on, not as scripts ask for it."""
    paths = list(COMMITTED.glob('*.json'))
    assert len(paths) > 100
    for path in paths:
        records = MatchRecords.from_json(json.loads(path.read_text())['matches'])
        assert records.num_videos == 84, path.name
        counts = {name: carry.sum() for name, carry in records.attributes.items()}
        assert counts.keys() == set(ATTRIBUTES), path.name
        assert min(counts.values()) >= 20, (path.name, counts)


def test_minutes_are_of_the_seeds_and_of_all_that_is_trained(tmp_path):
    """A training of a seed takes ten minutes and one more for each number of it."""
    runs = [
        Run('strong', CONFIG, 40),
        Run('weak', CONFIG, 20, {'model.x': 1}, begins_with='strong'),
        Run('odd', test_of='weak', overrides={'model.x': 2}),
    ]
    plan = Plan('data', 'bench', (0, 1, 2), runs, [])
    make_records(plan, tmp_path, SKILLS)
    found = Findings(plan, tmp_path)
    assert found.minutes(runs[0]) == pytest.approx(11)
    assert found.minutes(runs[0], [2]) == pytest.approx(12)
    assert found.minutes_of_all(['odd'], [1, 2]) == pytest.approx(2 * 11.5)
    assert found.minutes_of_all(['strong', 'weak', 'odd']) == pytest.approx(22)
    assert found.minutes_of_all(['strong'], [7]) is None


def test_records_of_trainings_that_began_with_others_are_refused(tmp_path):
    runs = [Run('strong', CONFIG, 40), Run('weak', CONFIG, 20, begins_with='strong')]
    plan = Plan('data', 'bench', (0,), runs, [])
    make_records(plan, tmp_path, SKILLS)
    (tmp_path / 'strong_seed0.json').unlink()
    runs = [Run('strong', CONFIG, 40, {'model.x': 1}), runs[1]]
    with pytest.raises(PlanError, match=r'weak_seed0.json was .* other begins_with'):
        Findings(Plan('data', 'bench', (0,), runs, []), tmp_path)
