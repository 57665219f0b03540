"""What a training has cost, in seconds, and by which code, kept across stops."""

import resource
import time

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.registry import HOOKS

KEY = 'training_seconds'
COMMIT = 'trained_commit'


@HOOKS.register_module()
class TrainingTimeHook(Hook):
    """Write into each checkpoint's ``meta`` the seconds that led to it.

    ``meta['training_seconds']`` has ``cpu`` (user and system time of this process and
    of data workers that have ended) and ``wall``, both from the first iteration on. A
    resumed training goes on from its checkpoint's numbers: what was done after the
    checkpoint and lost counts for nothing, as its weights do, nor does the data that is
    read again and skipped.

    Args:
        commit: of the code that trains, kept as ``meta['trained_commit']``; a training
            that another one resumes has both, ``'first, second'``.
    """

    # A checkpoint is written by a later hook.
    priority = 'HIGH'

    def __init__(self, commit: str | None = None) -> None:
        self._commits = [] if commit is None else [commit]
        self._before: list[str] = []
        self._loaded: dict[str, float] = {}
        self._zero: dict[str, float] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the numbers and commits of what may be resumed."""
        meta = checkpoint.get('meta', {})
        self._loaded = dict(meta.get(KEY, {}))
        self._before = meta[COMMIT].split(', ') if COMMIT in meta else []

    def before_train(self, runner: Runner) -> None:
        """Start anew."""
        self._zero = None

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | list | None = None
    ) -> None:
        """Start the clocks at the first iteration."""
        if self._zero is None:
            # Weights to begin with (``load_from``) cost nothing here.
            before = self._loaded if runner.iter > 0 else {}
            self._zero = {k: v - before.get(k, 0.0) for k, v in _now().items()}
            if runner.iter > 0:
                self._commits = list(dict.fromkeys([*self._before, *self._commits]))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the numbers, and the commits that are known."""
        zero = self._zero or _now()
        checkpoint['meta'][KEY] = {k: v - zero[k] for k, v in _now().items()}
        if self._commits:
            checkpoint['meta'][COMMIT] = ', '.join(self._commits)


def _now() -> dict[str, float]:
    used = [resource.getrusage(resource.RUSAGE_SELF)]
    used += [resource.getrusage(resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    return {'cpu': cpu, 'wall': time.monotonic()}
