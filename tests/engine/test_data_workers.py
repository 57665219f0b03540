"""A worker whose training was killed does not stay behind."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from data_factory import make_vis_dataset
from mmengine.registry import init_default_scope
from model_configs import CONFIGS, load
from processes import is_running, run_bounded, started
from torch.utils.data import DataLoader

from mmvis.engine.data_workers import end_with_training
from mmvis.engine.runner import VISRunner

SCRIPT = """
import time
from torch.utils.data import DataLoader, Dataset
from mmvis.engine.data_workers import end_with_training

class Large(Dataset):
    def __len__(self):
        return 100
    def __getitem__(self, index):
        return b'x' * 2**20  # more than a pipe holds

loader = DataLoader(Large(), num_workers=1, collate_fn=lambda items: items)
end_with_training(loader)
batches = iter(loader)
next(batches)
print(batches._workers[0].pid, flush=True)
time.sleep(600)
"""


def test_a_worker_that_writes_ends_with_its_training(tmp_path):
    with started([sys.executable, '-c', SCRIPT], cwd=tmp_path) as training:
        worker = int(training.stdout.readline())
        time.sleep(0.5)  # by now it waits for the pipe
        assert is_running(worker)
        os.kill(training.pid, signal.SIGKILL)
        end = time.monotonic() + 60
        while is_running(worker):
            assert time.monotonic() < end, 'the worker is still there'
            time.sleep(0.2)


TOLD = """
import signal
import time
from torch.utils.data import DataLoader
from mmvis.engine.data_workers import end_with_training

loader = DataLoader(range(100), num_workers=2, batch_size=2)
end_with_training(loader)
batches = iter(loader)
next(batches), next(batches)  # one of each worker: both have begun
told = set()
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: told.add(number))
print('ready', flush=True)
while len(told) < 2:
    time.sleep(0.01)  # an event's lock could be held when a handler wants it
print(sum(len(batch) for batch in batches), flush=True)
"""


def test_workers_feed_a_training_that_is_told_to_end(tmp_path):
    """A batch system tells all processes; the workers are there before any handler."""
    with started([sys.executable, '-c', TOLD], cwd=tmp_path) as training:
        assert training.stdout.readline() == 'ready\n'
        for sent in (signal.SIGTERM, signal.SIGUSR1):
            os.killpg(training.pid, sent)
        assert training.stdout.readline() == '96\n'
        assert training.wait(60) == 0


def test_a_loader_that_is_done_ends_its_workers():
    """At once, and in a way that torch takes for no fault."""
    loader = DataLoader(range(100), num_workers=1)
    end_with_training(loader)
    batches = iter(loader)
    next(batches)
    worker = batches._workers[0]
    worker.terminate()
    worker.join(5)
    assert worker.exitcode == 0


SPAWNING = """
from pathlib import Path
from test_data_workers import spawned_give_the_same
if __name__ == '__main__':
    print(spawned_give_the_same(Path({folder!r})))
"""


def spawned_give_the_same(folder: Path) -> bool:
    """Whether a spawned worker gives the clips that this process gives."""
    config = load(CONFIGS / 'tiny/stmask_tiny_videos.py')
    init_default_scope('mmvis')
    loader = config.train_dataloader
    loader.dataset.update(
        data_root=str(folder), data_prefix=dict(img_path='JPEGImages')
    )
    loader.batch_size = 2
    batches = []
    for workers in (0, 1):
        given = dict(loader, num_workers=workers, persistent_workers=False)
        if workers:
            given['multiprocessing_context'] = 'spawn'
        batches.append(next(iter(VISRunner.build_dataloader(given, seed=3))))
    one, other = (torch.stack(batch['inputs']) for batch in batches)
    return torch.equal(one, other)


@pytest.mark.full
def test_spawned_workers_read_what_this_process_does(tmp_path):
    categories = [(i, f'kind{i}') for i in range(1, 10)]
    make_vis_dataset(tmp_path, size=(96, 160), categories=categories)
    script = tmp_path / 'read.py'
    script.write_text(SPAWNING.format(folder=str(tmp_path)))
    engine = Path(__file__).parent
    places = (engine.parents[1], engine.parent, engine)
    place = os.pathsep.join(map(str, places))
    done = run_bounded(
        [sys.executable, script], env={**os.environ, 'PYTHONPATH': place}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == 'True'
