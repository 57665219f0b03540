"""What a plan may say, and in which order its runs are begun."""

import json
from pathlib import Path

import pytest
from mmengine.registry import DefaultScope
from reproduction.plan_format import Claim, Plan, PlanError, Run, read_plan
from reproduction.run_files import settings_of

CONFIG = 'configs/bench/stmask_bench.py'
PLAN = Path(__file__).parents[3] / 'tools/reproduction/plan.py'


def trained(name, iterations=10, **overrides):
    return Run(name, CONFIG, iterations, overrides)


def claim(name, better, than, **more):
    return Claim(name, 'STMask', 'It helps.', 'Table 1.', better, than, **more)


def make(runs, claims=(), seeds=(0, 1)):
    return Plan('data', 'bench', seeds, runs, claims)


def test_claims_come_first_seed_by_seed_and_weights_before_their_tests():
    plan = make(
        [trained('a'), trained('b'), Run('c', test_of='a'), Run('d', test_of='b')],
        [claim('one', 'c', 'b'), claim('two', 'a', 'b')],
    )
    names = [(run.name, seed) for run, seed in plan.jobs()]
    assert names == [
        *(('a', 0), ('c', 0), ('b', 0)),
        *(('a', 1), ('c', 1), ('b', 1)),
        *(('d', 0), ('d', 1)),
    ]
    only = [(run.name, seed) for run, seed in plan.jobs(['two'])]
    assert only == [('a', 0), ('b', 0), ('a', 1), ('b', 1)]


def test_a_claim_may_have_more_seeds():
    plan = make(
        [trained('a'), trained('b'), Run('c', test_of='a')],
        [claim('few', 'a', 'b'), claim('many', 'c', 'b', seeds=(0, 5))],
    )
    names = [(run.name, seed) for run, seed in plan.jobs(['many'])]
    assert names == [(name, seed) for seed in (0, 5) for name in ('a', 'c', 'b')]
    assert [plan.seeds_of_run(run) for run in plan.runs] == [[0, 1, 5]] * 3
    with pytest.raises(PlanError, match='few has no seeds'):
        make([trained('a'), trained('b')], [claim('few', 'a', 'b', seeds=())])


def test_what_is_tested_has_the_settings_of_what_was_trained():
    plan = make([trained('a', x=1, y=1), Run('b', test_of='a', overrides={'y': 2})])
    tested = plan.run('b')
    assert plan.overrides_of(tested) == {'x': 1, 'y': 2}
    assert plan.config_of(tested) == CONFIG


def test_what_begins_with_the_weights_of_another_comes_after_it():
    plan = make(
        [
            trained('a', 10),
            Run('b', CONFIG, 5, begins_with='a'),
            trained('c', 15),
            Run('d', test_of='b'),
        ],
        [claim('one', 'd', 'c', seeds=(7,))],
    )
    assert [run.name for run, _ in plan.jobs(['one'])] == ['a', 'b', 'd', 'c']
    # The claim's seed is one of all that its weights come from.
    assert [plan.seeds_of_run(run) for run in plan.runs] == [[0, 1, 7]] * 4
    assert [plan.length(run) for run in plan.runs] == [10, 15, 15, 15]
    # Other settings of what it begins with are other settings.
    first = {'run': 'a', **settings_of(plan, plan.run('a'))}
    assert settings_of(plan, plan.run('d'))['begins_with'] == first


@pytest.mark.parametrize(
    ('runs', 'claims', 'message'),
    [
        ([trained('a'), trained('a')], [], 'run a is there twice'),
        ([trained('a b')], [], "'a b' is no name"),
        ([trained('a', None)], [], 'needs iterations'),
        ([Run('a', 'configs/none.py', 10)], [], 'configs/none.py.*does not exist'),
        ([Run('a', test_of='b')], [], "no run 'b', which test_of of the run a"),
        ([trained('a'), Run('b', test_of='a', iterations=3)], [], 'b is only tested'),
        (
            [trained('a'), Run('b', test_of='a'), Run('c', test_of='b')],
            [],
            "set test_of='a'",
        ),
        (
            [trained('a'), Run('b', test_of='a', begins_with='a')],
            [],
            'b is only tested: it begins with nothing',
        ),
        (
            [trained('a'), Run('b', test_of='a'), Run('c', CONFIG, 1, begins_with='b')],
            [],
            "set begins_with='a'",
        ),
        (
            [Run('a', CONFIG, 1, begins_with='b'), Run('b', CONFIG, 1)],
            [],
            'a begins with b, which is not before it',
        ),
        ([trained('a')], [claim('x', 'a', 'b')], "no run 'b', which the claim x"),
        (
            [trained('a'), trained('b', 20)],
            [claim('x', 'a', 'b')],
            "budget='iterations', which they do not have in common",
        ),
        (
            [trained('a'), trained('b')],
            [claim('x', 'a', 'b', budget='weights')],
            "budget='weights'",
        ),
        (
            [trained('a'), trained('b')],
            [claim('x', 'a', 'b', where=())],
            'about no videos',
        ),
    ],
)
def test_mistakes_are_named(runs, claims, message):
    with pytest.raises(PlanError, match=message):
        make(runs, claims)


def test_an_unknown_claim_is_named():
    with pytest.raises(PlanError, match='no claim y; there are: x'):
        make([trained('a'), trained('b')], [claim('x', 'a', 'b')]).jobs(['y'])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'does not exist'),
        ('PLAN = 3', 'has no PLAN'),
        ('import nothing_of_that_name', 'ModuleNotFoundError'),
        (
            'from reproduction import *\n'
            'PLAN = Plan("d", "bench", (0,), [Run("a b", "", 1)], [])',
            'plan.py: .a b. is no name',
        ),
    ],
)
def test_a_file_that_is_no_plan(tmp_path, text, message):
    path = tmp_path / 'plan.py'
    if text is not None:
        path.write_text(text)
    with pytest.raises(PlanError, match=message):
        read_plan(path)


@pytest.fixture(scope='module')
def plan():
    return read_plan(PLAN)


@pytest.fixture(scope='module')
def models(plan):
    """The model of each row as text, and its weights, which hold no numbers."""
    import torch
    from reproduction.job import run_config

    from mmvis.registry import MODELS

    found = {}
    for run in plan.runs:
        config = run_config(plan, run, {})
        assert config.train_cfg.max_iters == plan.trained(run).iterations
        assert config.param_scheduler[1].end == plan.trained(run).iterations
        text = json.dumps(config.model.to_dict(), sort_keys=True, default=str)
        with DefaultScope.overwrite_default_scope('mmvis'), torch.device('meta'):
            # mmcv's deformable convolutions do not ask for the device.
            found[run.name] = text, MODELS.build(config.model).to('meta')
    return found


def test_every_row_of_the_plan_builds_and_differs(plan, models):
    """Overrides reach the model: no two rows are the same one under two names."""
    rows = {
        (models[run.name][0], plan.length(run), run.begins_with) for run in plan.runs
    }
    assert len(rows) == len(plan.runs)


def test_a_training_takes_over_all_that_it_begins_with(plan, models):
    """What it has beside those weights is its own part alone."""
    begun = [run for run in plan.runs if run.begins_with is not None]
    assert begun
    for run in begun:
        weights = models[run.begins_with][1].state_dict()
        # Raises where shapes differ.
        fit = models[run.name][1].load_state_dict(weights, strict=False)
        assert not fit.unexpected_keys, run.name
        own = {'offset', 'augmentation'}
        assert all(own & set(name.split('.')) for name in fit.missing_keys), run.name


def test_what_is_only_tested_has_the_weights_of_what_was_trained(plan, models):
    tested = [run for run in plan.runs if run.test_of is not None]
    assert tested
    for run in tested:
        tensors, trained = (
            {name: v.shape for name, v in models[r.name][1].state_dict().items()}
            for r in (run, plan.trained(run))
        )
        # Another config may leave some aside, as a head that it does without.
        assert tensors.items() <= trained.items(), run.name
        assert run.config or tensors == trained, run.name
