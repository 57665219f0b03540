"""Data workers that end when their training has gone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial

from torch.utils.data import DataLoader

# Seconds between looks at the parent.
_INTERVAL = 2.0


def end_with_training(loader: DataLoader) -> None:
    """Let the workers of a loader end when its process was killed.

    torch's own look at the parent ends a worker's loop, but not the thread that waits
    to write a batch into a full pipe: such a worker stays for ever, and keeps open
    what it inherited, the output of the training for example.
    """
    if loader.num_workers:
        loader.worker_init_fn = partial(_init_worker, loader.worker_init_fn)


def _init_worker(init: Callable[[int], None] | None, number: int) -> None:
    watch = threading.Thread(target=_watch, args=(os.getppid(),), daemon=True)
    watch.start()
    if init is not None:
        init(number)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_INTERVAL)
    os._exit(1)
