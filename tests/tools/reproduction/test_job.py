"""One run: what is trained, tested and resumed, and what its record holds."""

import fcntl
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from reproduction import job
from reproduction.job import BusyError, do_job, length_entries, run_config
from reproduction.plan_format import Plan, PlanError, Run
from reproduction.run_files import RunFiles, read_record

from mmvis.datasets.synth_vis import write_split

CONFIG = 'configs/bench/sg_net_bench.py'
PLAN = Plan(
    'data',
    'bench',
    (0, 1),
    [
        Run('whole', CONFIG, 200, {'model.blender.max_division': 3}),
        Run('tested', test_of='whole', overrides={'model.tracker.radius': 2.0}),
        Run('further', CONFIG, 200, begins_with='whole'),
    ],
    [],
)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('bench')
    write_split(root, 'valid', 2, 'bench', workers=1, progress=False)
    return root


def perfect_results(data) -> list[dict]:
    truth = json.loads((data / 'valid/instances.json').read_text())
    keys = ('video_id', 'category_id', 'segmentations')
    return [{**{k: a[k] for k in keys}, 'score': 0.5} for a in truth['annotations']]


@pytest.fixture
def steps(monkeypatch, data):
    """The tools are not run: what they leave is written here, and what was asked."""
    asked = []

    def step(files, script, settings, *arguments):
        asked.append((files.name, script, settings, [str(a) for a in arguments]))
        if script == 'train.py':
            files.work_dir.mkdir(parents=True, exist_ok=True)
            meta = {'training_seconds': {'cpu': 60.0, 'wall': 90.0}}
            hook = Config.fromfile(files.config).custom_hooks[-1]
            if hook.commit is not None:
                meta['trained_commit'] = hook.commit
            torch.save({'meta': meta, 'state_dict': {}}, files.checkpoint(200))
        else:
            out = Path(arguments[arguments.index('--out') + 1])
            out.write_text(json.dumps(perfect_results(data)))

    monkeypatch.setattr(job, 'step', step)
    return asked


def run(name, data, folder, seed=1, options=None):
    records, out = folder / 'runs', folder / 'out'
    one = PLAN.run(name)
    *_, first, trained = (
        RunFiles.of(r, seed, records, out)
        for r in (PLAN.run('whole'), *PLAN.lineage(PLAN.trained(one)))
    )
    files = RunFiles.of(one, seed, records, out)
    first = first if one.begins_with else None
    do_job(PLAN, one, seed, files, trained, data, options or {}, first)
    return files


def test_record_of_a_perfect_run(steps, data, tmp_path):
    files = run('whole', data, tmp_path)
    record = read_record(files.record)
    assert record['metrics']['AP'] == pytest.approx(1)
    assert record['metrics']['AP_agnostic'] == pytest.approx(1)
    assert record['seed'] == 1 and record['settings']['iterations'] == 200
    assert record['seconds']['train'] == {'cpu': 60.0, 'wall': 90.0}
    assert record['data']['preset'] == 'bench'
    found = [c['positives'] for c in record['matches']['categories']]
    assert len(found) == 4 and sum(map(sum, found)) == len(perfect_results(data))
    # All are hits at all ten thresholds.
    assert {h for c in record['matches']['categories'] for h in c['hits']} == {1023}
    (_, train, settings, arguments), (_, test, _, _) = steps
    assert (train, test) == ('train.py', 'test.py') and arguments == []
    assert settings == {'data_root': f'{data}/', 'randomness.seed': 1}
    config = Config.fromfile(files.config)
    assert config.model.blender.max_division == 3
    assert config.val_cfg is None and config.train_cfg.max_iters == 200


def test_a_training_that_was_stopped_is_resumed(steps, data, tmp_path):
    work_dir = tmp_path / 'out/whole_seed1/work_dir'
    work_dir.mkdir(parents=True)
    (work_dir / 'last_checkpoint').write_text('somewhere')
    run('whole', data, tmp_path)
    assert steps[0][1:4:2] == ('train.py', ['--resume'])


def test_a_training_that_is_done_is_not_repeated(steps, data, tmp_path):
    """It was stopped while it was tested."""
    files = run('whole', data, tmp_path)
    files.record.unlink()
    steps.clear()
    run('whole', data, tmp_path)
    assert [script for _, script, _, _ in steps] == ['test.py']


def test_weights_of_another_run(steps, data, tmp_path):
    with pytest.raises(PlanError, match=r'iter_200.pth.* is not there: delete .*whole'):
        run('tested', data, tmp_path)
    run('whole', data, tmp_path)
    steps.clear()
    files = run('tested', data, tmp_path)
    ((_, script, _, arguments),) = steps
    assert script == 'test.py' and 'whole_seed1/work_dir/iter_200' in arguments[0]
    assert Config.fromfile(files.config).model.tracker.radius == 2.0
    record = read_record(files.record)
    assert record['settings']['overrides'] == {
        'model.blender.max_division': 3,
        'model.tracker.radius': 2.0,
    }


def test_a_training_begins_with_the_weights_of_another(steps, data, tmp_path):
    with pytest.raises(
        PlanError, match=r'with which further_seed1 begins, is not ther'
    ):
        run('further', data, tmp_path)
    run('whole', data, tmp_path)
    steps.clear()
    files = run('further', data, tmp_path)
    weights = tmp_path / 'out/whole_seed1/work_dir/iter_200.pth'
    assert steps[0][1:3] == (
        'train.py',
        {'data_root': f'{data}/', 'randomness.seed': 1, 'load_from': weights},
    )
    assert 'load_from' not in steps[1][2]
    assert read_record(files.record)['settings']['begins_with']['run'] == 'whole'
    # Stopped, it goes on from its own and not from theirs.
    files.record.unlink()
    files.checkpoint(200).unlink()
    (files.work_dir / 'last_checkpoint').write_text('somewhere')
    steps.clear()
    run('further', data, tmp_path)
    assert 'load_from' not in steps[0][2] and steps[0][3] == ['--resume']


def test_commits_of_training_and_test(steps, data, tmp_path, monkeypatch):
    """Trained by one, tested later by another; weights of before it was kept."""
    monkeypatch.setattr(job, 'code_version', lambda: 'early')
    run('whole', data, tmp_path)
    monkeypatch.setattr(job, 'code_version', lambda: 'late')
    record = read_record(run('tested', data, tmp_path).record)
    assert (record['trained_commit'], record['commit']) == ('early', 'late')
    monkeypatch.setattr(job, 'code_version', lambda: None)
    record = read_record(run('whole', data, tmp_path / 'old').record)
    assert 'trained_commit' not in record


def test_a_run_in_other_hands_is_left_alone(steps, data, tmp_path):
    folder = tmp_path / 'out/whole_seed1'
    folder.mkdir(parents=True)
    with (folder / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match='whole_seed1'):
            run('whole', data, tmp_path)
    assert steps == []


def test_what_a_step_says_last_is_told(data, tmp_path):
    """A real one, of a config that cannot be read."""
    files = RunFiles.of(PLAN.run('whole'), 0, tmp_path, tmp_path)
    files.folder.mkdir()
    files.config.write_text('model = {')
    with pytest.raises(PlanError, match=r'train.py failed: .*cannot be read'):
        job.step(files, 'train.py', {'randomness.seed': 0})
    assert 'train.py' in files.log.read_text().splitlines()[0]


def test_options_reach_the_config():
    config = run_config(PLAN, PLAN.run('whole'), {'train_dataloader.num_workers': 2})
    assert config.train_dataloader.num_workers == 2


def test_short_trainings_warm_up_in_their_first_quarter():
    config = run_config(PLAN, PLAN.run('whole'), {})
    warm_up, cosine = config.param_scheduler
    assert (warm_up.end, cosine.begin, cosine.end) == (50, 50, 200)
    assert length_entries(config, 4000)['param_scheduler.0.end'] == 50
    config.param_scheduler = config.param_scheduler[:1]
    with pytest.raises(PlanError, match='LinearLR'):
        length_entries(config, 100)
