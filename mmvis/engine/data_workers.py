"""Data workers that end when their training has gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from torch.utils.data import DataLoader

# Seconds between looks at the parent.
_INTERVAL = 2.0
# Seconds that a worker works on when all processes of a job are told to end.
_GRACE = 60
# Not on macOS and Windows.
_CAN_WAIT = hasattr(signal, 'sigtimedwait')


def end_with_training(loader: DataLoader) -> None:
    """Let the workers of a loader end when its process was killed, and not before it.

    torch's own look at the parent ends a worker's loop, but not the thread that waits
    to write a batch into a full pipe: such a worker stays for ever, and keeps open
    what it inherited, the output of the training for example.

    Batch systems send SIGTERM and SIGUSR1 to all processes of a job. The training
    still needs its workers for the iteration that it ends with: they wait a little.
    """
    if loader.num_workers:
        loader.worker_init_fn = partial(_init_worker, loader.worker_init_fn)


def _init_worker(init: Callable[[int], None] | None, number: int) -> None:
    if _CAN_WAIT:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        # In all threads that this one starts: it is for the watch to receive.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    watch = threading.Thread(target=_watch, args=(os.getppid(),), daemon=True)
    watch.start()
    if init is not None:
        init(number)


def _watch(parent: int) -> None:
    end = float('inf')
    while os.getppid() == parent and time.monotonic() < end:
        if not _CAN_WAIT:
            time.sleep(_INTERVAL)
            continue
        told = signal.sigtimedwait({signal.SIGTERM}, _INTERVAL)
        if told is not None and told.si_pid == parent:
            # By the loader, which is done with it. To torch, 0 is no fault.
            os._exit(0)
        if told is not None:
            end = min(end, time.monotonic() + _GRACE)
    # Any other code is an error that torch raises wherever the training is.
    os._exit(0)
