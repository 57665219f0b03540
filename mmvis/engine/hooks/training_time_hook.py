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
    of data workers that have ended) and ``wall``, both since training began and without
    import and building. A resumed training goes on from its checkpoint's numbers: what
    was done after the checkpoint and lost counts for nothing, as its weights do.
    """

    # A checkpoint is written by a later hook.
    priority = 'HIGH'

    def __init__(self) -> None:
        self._before = {'cpu': 0.0, 'wall': 0.0}
        self._started = self._now()

    @staticmethod
    def _now() -> dict[str, float]:
        used = [
            resource.getrusage(who)
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
        return {'cpu': cpu, 'wall': time.monotonic()}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take up the numbers of what may be resumed."""
        self._before = dict(checkpoint.get('meta', {}).get(KEY, self._before))

    def before_train(self, runner: Runner) -> None:
        """Start the clocks; weights to begin with (``load_from``) cost nothing."""
        if runner.iter == 0:
            self._before = {'cpu': 0.0, 'wall': 0.0}
        self._started = self._now()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the numbers."""
        now = self._now()
        checkpoint['meta'][KEY] = {
            name: self._before[name] + now[name] - self._started[name] for name in now
        }
