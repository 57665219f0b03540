"""What a training has cost, in seconds, kept across stops."""

import resource
import time

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.registry import HOOKS

KEY = 'training_seconds'


@HOOKS.register_module()
class TrainingTimeHook(Hook):
    """Write into each checkpoint's ``meta`` the seconds that led to it.

    ``meta['training_seconds']`` has ``cpu`` (user and system time of this process and
    of data workers that have ended) and ``wall``, both from the first iteration on. A
    resumed training goes on from its checkpoint's numbers: what was done after the
    checkpoint and lost counts for nothing, as its weights do, nor does the data that is
    read again and skipped.
    """

    # A checkpoint is written by a later hook.
    priority = 'HIGH'

    def __init__(self) -> None:
        self._loaded: dict[str, float] = {}
        self._zero: dict[str, float] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the numbers of what may be resumed."""
        self._loaded = dict(checkpoint.get('meta', {}).get(KEY, {}))

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

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the numbers."""
        zero = self._zero or _now()
        checkpoint['meta'][KEY] = {k: v - zero[k] for k, v in _now().items()}


def _now() -> dict[str, float]:
    used = [resource.getrusage(resource.RUSAGE_SELF)]
    used += [resource.getrusage(resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    return {'cpu': cpu, 'wall': time.monotonic()}
