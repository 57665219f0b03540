"""CPU minutes of what is asked for: done, not done, and not known."""

import pytest
from made_records import SKILLS, make_records
from reproduction.cost import cost_of
from reproduction.plan_format import PlanError
from reproduction.run_files import RunFiles


def cost(plan, folder, claims):
    return cost_of(
        plan, plan.jobs(claims), lambda *job: RunFiles.of(*job, folder, folder)
    )


def test_minutes_of_claims(plan, tmp_path):
    """Trainings of 10, 11 and 12 minutes, tests of 2, by seed."""
    make_records(plan, tmp_path, SKILLS)
    found = cost(plan, tmp_path, ['good'])
    assert (found.total, found.left, found.unknown) == (2 * (33 + 6), 0, 0)
    # Weights are trained once, whoever tests them.
    assert cost(plan, tmp_path, ['tested']).total == 33 + 6 + 6
    assert cost(plan, tmp_path, ['good', 'tested']).total == 2 * (33 + 6) + 6


def test_what_is_left_takes_as_long_as_other_seeds(plan, tmp_path):
    make_records(plan, tmp_path, SKILLS)
    (tmp_path / 'weak_seed2.json').unlink()
    (tmp_path / 'odd_seed0.json').unlink()
    found = cost(plan, tmp_path, ['tested'])
    assert found.left == pytest.approx(12.5 + 2)
    assert found.total == pytest.approx(12 + 13 + 12.5 + 6)
    assert str(found) == 'all take about 44 CPU minutes, the rest 14'


def test_what_no_record_tells(plan, tmp_path):
    nothing = cost(plan, tmp_path, None)
    assert nothing.unknown == 9
    assert str(nothing) == 'how long they take, no record tells'
    make_records(plan, tmp_path, SKILLS, seeds=[0])
    (tmp_path / 'odd_seed0.json').unlink()
    found = str(cost(plan, tmp_path, ['tested']))
    assert found == (
        'all take about 36 CPU minutes, the rest 24 '
        '(without 3, of which no record tells)'
    )


def test_a_record_without_seconds(plan, tmp_path):
    make_records(plan, tmp_path, SKILLS)
    path = tmp_path / 'weak_seed1.json'
    path.write_text(path.read_text().replace('"test": {"cpu"', '"test": {"gpu"'))
    with pytest.raises(PlanError, match=r'weak_seed1\.json is damaged'):
        cost(plan, tmp_path, ['good'])
