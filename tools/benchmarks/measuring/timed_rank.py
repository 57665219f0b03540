"""Runs tools/train.py or tools/test.py and notes the time at the end of each iteration.

    python timed_rank.py TIMES.json tools/train.py CONFIG ...

The file has, for each iteration, this process's CPU seconds and the clock's.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook

from mmvis.engine.runner import VISRunner


class Clock(Hook):
    """Notes times; those of the test are of batches."""

    priority = 'VERY_LOW'

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times: list[tuple[float, float]] = []

    def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
        self.times.append((time.process_time(), time.perf_counter()))

    after_test_iter = after_train_iter

    def after_run(self, runner: Any) -> None:
        self.path.write_text(json.dumps(self.times))

    after_test_epoch = lambda self, runner, **kwargs: self.after_run(runner)  # noqa: E731


def main() -> None:
    path, script, *words = sys.argv[1:]
    clock, build = Clock(Path(path)), VISRunner.register_hooks

    def register_hooks(self: VISRunner, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        self.register_hook(clock)

    VISRunner.register_hooks = register_hooks  # type: ignore[method-assign]
    sys.argv = [script, *words]
    runpy.run_path(script, run_name='__main__')


if __name__ == '__main__':
    main()
