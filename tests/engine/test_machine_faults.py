"""What the machine does to a run is told in a sentence, by the machine's words."""

import os
import resource
import signal
import sys
from pathlib import Path

import pytest
import torch
from processes import run_apart
from torch.utils.data import DataLoader, Dataset

from mmvis.engine.command_line import user_message
from mmvis.engine.machine_faults import machine_fault


def message_of(error: BaseException) -> str | None:
    """Raised elsewhere than in mmvis, and so no user's error by where it stands."""
    try:
        raise error
    except BaseException as raised:
        return user_message(raised)


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='no full device here')
def test_a_full_disk():
    with pytest.raises(OSError) as full, open('/dev/full', 'wb', buffering=0) as file:
        file.write(b'x')
    said = message_of(full.value)
    assert said and 'No space left on device' in said and '--resume' in said


def test_a_place_that_is_none(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError) as wrong:
        os.makedirs(tmp_path / 'file/work')
    said = message_of(wrong.value)
    assert said and str(tmp_path / 'file/work') in said


class Deadly(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return index


def read_with_a_worker_that_dies(rank: int) -> str | None:
    try:
        list(DataLoader(Deadly(), num_workers=1))
    except RuntimeError as error:
        return user_message(error)
    return 'nothing was said'


def test_a_data_worker_that_is_killed(tmp_path):
    [said] = run_apart(read_with_a_worker_that_dies, folder=tmp_path)
    assert said and 'A process that reads data was lost' in said
    # By the signal, or later by its absence: which of the two comes first.
    assert ('Killed' in said or 'exited' in said) and 'num_workers' in said


def ask_for_too_much(rank: int) -> list[str | None]:
    """Of torch and of numpy, under a limit of this process."""
    import numpy as np

    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, resource.RLIM_INFINITY))
    said = []
    for ask in (torch.ones, lambda n: np.ones(n)):
        try:
            ask(2**40)
        except (RuntimeError, MemoryError) as error:
            said.append(user_message(error))
    return said


@pytest.mark.skipif(sys.platform != 'linux', reason='limits of Linux')
def test_memory_that_is_used_up(tmp_path):
    [said] = run_apart(ask_for_too_much, folder=tmp_path)
    assert len(said) == 2
    assert all(one and one.startswith('Memory is used up') for one in said)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('mat1 and mat2 shapes cannot be multiplied'),
        ValueError('out of memory'),  # of a program's own words
        OSError('of nobody'),
        KeyError('x'),
    ],
)
def test_a_bug_stays_one(error):
    assert machine_fault(error) is None and message_of(error) is None
