"""Seconds of a training, told by a clock that each iteration moves on."""

import pytest
from mmengine.hooks import Hook
from toy_runner import ToyModel, make_runner

from mmvis.engine.checkpoint import load_checkpoint_file
from mmvis.engine.hooks import training_time_hook

SAVE_EACH = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1))


@pytest.fixture
def clock(monkeypatch):
    """One CPU second and ten of the wall for each iteration."""
    now = {'cpu': 500.0, 'wall': 7000.0}
    monkeypatch.setattr(training_time_hook, '_now', lambda: dict(now))

    def advance(iterations):
        now['cpu'] += iterations
        now['wall'] += 10 * iterations

    return advance


class Work(Hook):
    def __init__(self, clock):
        self.clock = clock

    def before_train(self, runner):
        self.clock(100)  # building, and data that is skipped

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.clock(1)


def train(folder, clock, commit=None, **kwargs):
    hooks = [dict(type='TrainingTimeHook', commit=commit), Work(clock)]
    runner = make_runner(
        folder, ToyModel(), custom_hooks=hooks, default_hooks=SAVE_EACH, **kwargs
    )
    runner.train()


def meta(path):
    return load_checkpoint_file(path)['meta']


def seconds(path):
    return meta(path)['training_seconds']


def test_each_checkpoint_has_what_led_to_it(tmp_path, clock):
    train(tmp_path, clock)
    for iteration in (1, 3, 8):
        done = seconds(tmp_path / f'iter_{iteration}.pth')
        assert done == {'cpu': iteration, 'wall': 10 * iteration}


def test_a_resumed_training_goes_on_from_its_checkpoint(tmp_path, clock):
    """Iterations after the checkpoint were lost, and the pause was long."""
    train(tmp_path / 'first', clock)
    clock(5000)
    train(
        tmp_path / 'second',
        clock,
        load_from=str(tmp_path / 'first/iter_3.pth'),
        resume=True,
    )
    assert seconds(tmp_path / 'second/iter_8.pth') == {'cpu': 8, 'wall': 80}


def test_weights_to_begin_with_cost_nothing(tmp_path, clock):
    train(tmp_path / 'first', clock)
    train(tmp_path / 'second', clock, load_from=str(tmp_path / 'first/iter_8.pth'))
    assert seconds(tmp_path / 'second/iter_8.pth') == {'cpu': 8, 'wall': 80}


def test_commits_of_a_training_and_of_what_resumed_it(tmp_path, clock):
    train(tmp_path / 'first', clock, 'abc')
    begun = tmp_path / 'first/iter_3.pth'
    assert meta(begun)['trained_commit'] == 'abc'
    for commit, resume, known in (
        ('def', True, 'abc, def'),
        ('abc', True, 'abc'),
        (None, True, 'abc'),
        ('def', False, 'def'),  # other weights to begin with
    ):
        folder = tmp_path / f'{commit}_{resume}'
        train(folder, clock, commit, load_from=str(begun), resume=resume)
        assert meta(folder / 'iter_8.pth')['trained_commit'] == known
    train(tmp_path / 'unknown', clock)
    assert 'trained_commit' not in meta(tmp_path / 'unknown/iter_8.pth')


def test_the_real_clock_counts_work(tmp_path):
    train(tmp_path, lambda count: sum(range(200_000)))
    first, last = (seconds(tmp_path / f'iter_{i}.pth') for i in (2, 8))
    assert 0 < first['cpu'] < last['cpu'] and first['wall'] < last['wall']
