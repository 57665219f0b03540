"""A training that was killed and resumed is the one that was not, to the last bit."""

import contextlib
import random
from pathlib import Path

import pytest
import torch
from processes import run_apart
from resumed_runs import ITERATIONS, records, train

RUN = ('none 0', False)
RESUME = ('none 0', True)


def run(folder: Path, name: str, by_epoch: bool, act: str, resume: bool) -> dict:
    return run_apart(train, folder, name, by_epoch, act, resume, folder=folder)[0]


def die(folder: Path, name: str, by_epoch: bool, act: str, resume: bool = False):
    """A run that does not end by itself."""
    with pytest.raises(AssertionError, match='SIGKILL'):
        run(folder, name, by_epoch, act, resume)


def check_same(folder: Path, name: str, whole: dict, last: dict) -> None:
    """Losses, the data of each iteration and the final weights are equal."""
    expected = records(folder / 'whole.txt')
    assert records(folder / f'{name}.txt') == expected
    assert len(set(expected.values())) == len(expected) >= ITERATIONS
    for key, value in whole['weights'].items():
        assert torch.equal(last['weights'][key], value), key


def test_killed_while_it_writes_a_checkpoint(tmp_path):
    whole = run(tmp_path, 'whole', False, *RUN)
    die(tmp_path, 'killed', False, 'write 2')
    parts = tmp_path.glob('killed/.*.part')
    assert [part.name.split('.')[1] for part in parts] == ['iter_6']
    assert not (tmp_path / 'killed/iter_6.pth').exists()
    last = run(tmp_path, 'killed', False, *RESUME)
    assert not list(tmp_path.glob('killed/.*.part'))
    check_same(tmp_path, 'killed', whole, last)


def test_told_to_end_in_the_middle_of_an_epoch_then_killed(tmp_path):
    whole = run(tmp_path, 'whole', True, *RUN)
    told = run(tmp_path, 'told', True, 'usr1 5', False)
    assert told == dict(code=0, iteration=5)
    # It dies before it has saved again.
    die(tmp_path, 'told', True, 'kill 6', True)
    last = run(tmp_path, 'told', True, *RESUME)
    check_same(tmp_path, 'told', whole, last)


@pytest.mark.full
@pytest.mark.parametrize('by_epoch', [False, True])
def test_killed_at_random_moments(tmp_path, by_epoch):
    """Five each way; one before the first checkpoint makes it begin anew."""
    whole = run(tmp_path, 'whole', by_epoch, *RUN)
    moments = random.Random(int(by_epoch)).sample(range(2, 40), 5)
    for number, tenths in enumerate(moments):
        name = f'killed_{number}'
        with contextlib.suppress(AssertionError):
            run(tmp_path, name, by_epoch, f'timer {tenths / 10}', False)
        last = run(tmp_path, name, by_epoch, *RESUME)
        check_same(tmp_path, name, whole, last)
