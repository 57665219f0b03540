"""A worker whose training was killed does not stay behind."""

import os
import signal
import sys
import time

from processes import is_running, started

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
